//! Reading a command's arguments: flags, options with a value, and positional words.

use std::path::PathBuf;

use crate::Outcome;

/// The arguments that were not taken yet.
pub struct Arguments {
    command: &'static str,
    words: Vec<String>,
}

impl Arguments {
    /// Returns the arguments of `command`.
    pub fn of(command: &'static str, words: &[String]) -> Self {
        Self { command, words: words.to_vec() }
    }

    /// Takes a switch; true if it was given.
    pub fn flag(&mut self, name: &str) -> bool {
        let at = self.words.iter().position(|word| word == name);
        at.map(|at| self.words.remove(at)).is_some()
    }

    /// Takes an option's value.
    pub fn value(&mut self, name: &str) -> Outcome<Option<String>> {
        let Some(at) = self.words.iter().position(|word| word == name) else { return Ok(None) };
        self.words.remove(at);
        if at == self.words.len() {
            return Err(format!("{name} needs a value"));
        }
        Ok(Some(self.words.remove(at)))
    }

    /// Takes an option's value that is a path, made absolute.
    pub fn path(&mut self, name: &str) -> Outcome<Option<PathBuf>> {
        self.value(name)?.map(|word| absolute(&word)).transpose()
    }

    /// Takes an option's value that is a number, perhaps with `k`, `m` or `g` behind it.
    #[cfg(any(feature = "bench", test))]
    pub fn number(&mut self, name: &str) -> Outcome<Option<u64>> {
        let Some(word) = self.value(name)? else { return Ok(None) };
        number(&word).map(Some).ok_or_else(|| format!("{name} takes a number such as 90k or 1g, not {word}"))
    }

    /// Takes the next positional word, which is a path, made absolute.
    pub fn positional(&mut self) -> Outcome<Option<PathBuf>> {
        let Some(at) = self.words.iter().position(|word| !word.starts_with('-')) else { return Ok(None) };
        absolute(&self.words.remove(at)).map(Some)
    }

    /// Hands out what is left, for somebody else to read.
    pub fn rest(self) -> Vec<String> {
        self.words
    }

    /// Fails if anything is left.
    pub fn end(self) -> Outcome {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(format!("`{}` takes no {word}; see cargo xtask --help", self.command)),
        }
    }
}

fn absolute(word: &str) -> Outcome<PathBuf> {
    std::path::absolute(word).map_err(|error| format!("{word}: {error}"))
}

#[cfg(any(feature = "bench", test))]
fn number(word: &str) -> Option<u64> {
    let (digits, unit) = match word.chars().last()?.to_ascii_lowercase() {
        'k' => (&word[..word.len() - 1], 1_000),
        'm' => (&word[..word.len() - 1], 1_000_000),
        'g' => (&word[..word.len() - 1], 1_000_000_000),
        _ => (word, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken_in_any_order_and_the_rest_is_refused() {
        let words = ["--bytes", "2m", "here", "--quick"].map(str::to_owned);
        let mut arguments = Arguments::of("bench", &words);
        assert!(arguments.flag("--quick"));
        assert_eq!(arguments.number("--bytes"), Ok(Some(2_000_000)));
        assert!(arguments.positional().unwrap().unwrap().ends_with("here"));
        assert_eq!(arguments.end(), Ok(()));
        assert!(Arguments::of("tidy", &words).end().unwrap_err().contains("--bytes"));
        let mut lacking = Arguments::of("bench", &words[3..]);
        assert!(lacking.value("--quick").is_err());
    }
}
