//! A board that is used for long: what it holds after some minutes, and at the end.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::board::{self, Board, GROWING, growing_file, listen, with_board};
use super::load::{CLIENTS, encoded};
use super::process::resident;
use super::{Line, figures};
use crate::Outcome;
use crate::product::Product;

/// Each file that grows has a new line so often.
const GROWS: Duration = Duration::from_secs(5);
/// Each client asks for a list, a search and a page so often.
const ASKS: Duration = Duration::from_secs(1);
/// Memory is looked at so often.
const LOOK: Duration = Duration::from_secs(15);
/// By then everything that is kept for good has been made.
const WARM: f64 = 0.2;

/// Uses a board for `lasts`, with [`CLIENTS`] clients and [`GROWING`] files that grow.
pub fn measure(
    product: &Product,
    corpus: &Path,
    own: &Path,
    lasts: Duration,
    lines: &mut Vec<Line>,
) -> Outcome {
    let folder = corpus.join("home/.claude/projects/-bench-growing");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let outcome = with_board(product, own, |board| {
        let held = used(board, &folder, lasts)?;
        let warm = held[(held.len() as f64 * WARM) as usize..].to_vec();
        let half = warm.len() / 2;
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
        let (first, second) = (mean(&warm[..half]), mean(&warm[half..]));
        let most = held.iter().copied().fold(0.0, f64::max);
        lines.push(Line::new(
            format!("board: memory over {} minutes", lasts.as_secs() / 60),
            format!("{first:.1} MB, then {second:.1} MB"),
            format!(
                "mean of the first and the second half, without the first fifth; {most:.0} MB at most; {CLIENTS} clients, {GROWING} files growing; goal: below 200 MB, no growth"
            ),
        ));
        Ok(())
    });
    std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    outcome
}

/// What it held at each look, in MB.
fn used(board: &Board, folder: &Path, lasts: Duration) -> Outcome<Vec<f64>> {
    let words = board::words();
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    let mut held = Vec::new();
    std::thread::scope(|scope| {
        let listens = || -> Outcome {
            let mut stream = listen(board)?;
            while !is_over.load(Ordering::Relaxed) {
                std::io::BufRead::read_line(&mut stream, &mut String::new())
                    .map_err(|error| error.to_string())?;
            }
            Ok(())
        };
        let asks = |client: u32| -> Outcome {
            let mut connection = board.address.connect()?;
            for n in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let list = connection.ask(&format!("/api/v1/sessions?limit=50&q={}", n % 20))?;
                connection.ask(&format!("/api/v1/search?q={}", encoded(&words[n % words.len()])))?;
                let session = list["sessions"].get(n % 50).and_then(|session| session["id"].as_str());
                if let Some(id) = session {
                    connection.ask(&format!("/api/v1/sessions/{}/items?at=end&limit=100", encoded(id)))?;
                }
                std::thread::sleep(ASKS + Duration::from_millis(u64::from(client)));
            }
            Ok(())
        };
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| scope.spawn(move || if client % 2 == 0 { listens() } else { asks(client) }))
            .collect();
        let mut looked = Instant::now();
        let mut n = 0;
        while began.elapsed() < lasts {
            figures::append(&growing_file(folder, n % GROWING), "more words")?;
            n += 1;
            if looked.elapsed() > LOOK {
                looked = Instant::now();
                held.extend(resident(board.child.id()));
            }
            std::thread::sleep(GROWS / GROWING as u32);
        }
        is_over.store(true, Ordering::Relaxed);
        // Those who listen wait for one more event.
        figures::append(&growing_file(folder, 0), "the last words")?;
        clients.into_iter().try_for_each(|client| client.join().map_err(|_| "a client failed".to_owned())?)
    })?;
    Ok(held)
}
