//! `marline queue`.

use std::process::ExitCode;

use marline_control::quoted;
use marline_control::work::{NewPrompt, NewQueue, PromptPatch, will_run};
use marline_store::work::{Counts, Mode, Options, Queue, Status, Task, Wish, WorkStore as _};
use serde_json::json;

use super::{
    absolute, clock, counted, desk, export, follow, import, line, many, prompt, result, runs, sessions,
    state, store, told, wish,
};
use crate::args::ReadArgs;
use crate::args::work::{QueueAddArgs, QueueCommand, QueueCreateArgs, QueueSetArgs, QueueUpdateArgs};
use crate::commands::{print_json, print_line};
use crate::context::{Context, Places};
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, fit, note, pad, styled};

pub fn run(command: &QueueCommand) -> Result<ExitCode, Failure> {
    let places = Places::read()?;
    let done = |words: String| print_line(&words).map(|()| ExitCode::SUCCESS);
    let wishes = |args: &crate::args::work::NameArgs, what: Wish| {
        let queue = store(&places)?.queue(&args.name)?;
        wish(&queue.id, &queue.name, true, what, args.json.json)
    };
    match command {
        QueueCommand::Create(args) => create(&places, args),
        QueueCommand::List(args) => list(&places, args.json),
        QueueCommand::Show(args) => show(&places, &args.name, args.json.json),
        QueueCommand::Add(args) => add(&places, args),
        QueueCommand::Update(args) => update(&places, args),
        QueueCommand::Move { name, prompt, before } => {
            let before = before.map(|number| number.to_string());
            desk(&places)?.move_prompt(name, &prompt.to_string(), before.as_deref())?;
            show(&places, name, false)
        }
        QueueCommand::Remove { name, prompt } => {
            desk(&places)?.remove_prompt(name, &prompt.to_string())?;
            done(format!("Prompt {prompt} is out of {name}."))
        }
        QueueCommand::Set(args) => set(&places, args),
        QueueCommand::Run { name, dry_run: true, json } => dry_run(&places, name, json.json),
        QueueCommand::Run { name, dry_run: false, json } => {
            Context::read(&ReadArgs::FRESH)?;
            let desk = desk(&places)?;
            let code =
                follow::begin(&places, "queue", json.json, |claim| Ok(desk.run_queue(name, Some(claim))?))?;
            let queue = desk.store().queue(name)?;
            left(&queue, &desk.store().tasks(&queue.id)?);
            Ok(code)
        }
        QueueCommand::Runs { name, run, events, json } => {
            let queue = store(&places)?.queue(name)?;
            runs(&queue.id, *run, *events, json.json)
        }
        QueueCommand::Watch(args) => watch(&places, &args.name, args.json.json),
        QueueCommand::Pause(args) => wishes(args, Wish::Pause),
        QueueCommand::Resume(args) => wishes(args, Wish::Run),
        QueueCommand::Stop(args) => wishes(args, Wish::Stop),
        QueueCommand::Rename { name, new } => {
            desk(&places)?.change_queue(name, |queue| queue.name.clone_from(new))?;
            done(format!("{name} is {new} now."))
        }
        QueueCommand::Delete { name } => {
            desk(&places)?.delete_queue(name)?;
            done(format!("{name} is deleted; the sessions that it made are where they were."))
        }
        QueueCommand::Export(args) => {
            let desk = desk(&places)?;
            match &args.name {
                Some(name) => export(args, &desk.export_queue(name)?),
                None => {
                    let queues = desk.store().queues()?;
                    let all: Result<Vec<_>, _> =
                        queues.iter().map(|queue| desk.export_queue(&queue.id)).collect();
                    export(args, &json!({ "queues": all? }))
                }
            }
        }
        QueueCommand::Import(args) => import(args, "queues.json"),
    }
}

fn create(places: &Places, args: &QueueCreateArgs) -> Result<ExitCode, Failure> {
    let session = sessions(args.session.as_slice())?.pop();
    let queue = desk(places)?.create_queue(NewQueue {
        name: args.name.clone(),
        project: args.project.clone(),
        source: args.agent,
        mode: args.mode.into(),
        session,
        stops_on_failure: args.stop_on_failure,
        options: args.options.over(Options::default()),
    })?;
    print_line(&format!("{} works in {} with {}.", queue.name, queue.project, queue.source))?;
    note(&format!("Add prompts: marline queue add {} --prompt …", quoted(&queue.name)));
    Ok(ExitCode::SUCCESS)
}

fn add(places: &Places, args: &QueueAddArgs) -> Result<ExitCode, Failure> {
    let task = desk(places)?.add_prompt(
        &args.name,
        NewPrompt {
            prompt: prompt(&args.prompt)?,
            images: absolute(&args.image)?,
            is_manual: args.manual,
            after: args.after.clone(),
        },
    )?;
    if args.json.json && !args.watch {
        print_json(&task)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !args.json.json {
        print_line(&format!("{} has prompt {}.", args.name, task.number))?;
    }
    if args.watch { watch(places, &args.name, args.json.json) } else { Ok(ExitCode::SUCCESS) }
}

fn watch(places: &Places, name: &str, is_json: bool) -> Result<ExitCode, Failure> {
    let desk = desk(places)?;
    let queue = desk.store().queue(name)?;
    let Some(run) = desk.open_run(&queue.id)? else {
        note(&format!("{name} does not run. Work through it: marline queue run {}", quoted(name)));
        return Ok(ExitCode::from(1));
    };
    follow::watch(places, &run.id, "queue", is_json)
}

fn update(places: &Places, args: &QueueUpdateArgs) -> Result<ExitCode, Failure> {
    if args.text.is_none() && args.image.is_none() && !args.manual && !args.release && !args.cancel {
        return Err(Failure::usage(
            "Nothing to change.",
            "Give --prompt, --image, --manual, --release or --cancel.",
        ));
    }
    let patch = PromptPatch {
        prompt: args.text.as_deref().map(prompt).transpose()?,
        images: args.image.as_deref().map(absolute).transpose()?,
        is_manual: if args.release { Some(false) } else { args.manual.then_some(true) },
        status: match (args.release, args.cancel) {
            (true, _) => Some(Status::Pending),
            (_, true) => Some(Status::Cancelled),
            _ => None,
        },
    };
    let task = desk(places)?.update_prompt(&args.name, &args.prompt.to_string(), patch)?;
    print_line(&line(&task, "", true))?;
    Ok(ExitCode::SUCCESS)
}

fn set(places: &Places, args: &QueueSetArgs) -> Result<ExitCode, Failure> {
    let queue = desk(places)?.change_queue(&args.name, |queue| {
        if let Some(mode) = args.mode {
            queue.mode = mode.into();
            // A session that it went on in before is left alone.
            queue.session = None;
        }
        if args.stop_on_failure || args.go_on {
            queue.stops_on_failure = args.stop_on_failure;
        }
        queue.options = args.options.over(queue.options.clone());
    })?;
    show(places, &queue.name, false)
}

/// A queue without what may be secret.
fn harmless_queue(mut queue: Queue) -> Queue {
    queue.options.env.clear();
    queue
}

fn list(places: &Places, is_json: bool) -> Result<ExitCode, Failure> {
    let desk = desk(places)?;
    let queues = desk.store().queues()?;
    let mut all = Vec::new();
    for queue in &queues {
        let tasks = desk.store().tasks(&queue.id)?;
        let run = desk.open_run(&queue.id)?;
        if is_json {
            let run = run.as_ref().map(told);
            all.push(
                json!({ "queue": harmless_queue(queue.clone()), "counts": Counts::of(&tasks), "run": run }),
            );
            continue;
        }
        let state = run.map_or_else(String::new, |run| format!("  {}", state(&desk, "queue", &run)));
        let words = format!("{}{state}  {}", counted(&Counts::of(&tasks)), queue.project);
        print_line(&format!("{} {}", styled(BOLD, &pad(&fit(&queue.name, 24), 24)), styled(DIM, &words)))?;
    }
    if is_json {
        print_json(&json!({ "queues": all }))?;
    } else if queues.is_empty() {
        note("There are no queues. Make one: marline queue create NAME --project DIR");
    }
    Ok(if queues.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn mode(queue: &Queue) -> &'static str {
    match queue.mode {
        Mode::Fresh => "each prompt in a session of its own",
        Mode::Continue => "all in one session",
    }
}

fn show(places: &Places, name: &str, is_json: bool) -> Result<ExitCode, Failure> {
    let desk = desk(places)?;
    let queue = desk.store().queue(name)?;
    let tasks = desk.store().tasks(&queue.id)?;
    let run = desk.open_run(&queue.id)?;
    if is_json {
        let run = run.as_ref().map(told);
        print_json(&json!({ "queue": harmless_queue(queue), "prompts": tasks, "run": run }))?;
        return Ok(ExitCode::SUCCESS);
    }
    print_line(&styled(BOLD, &format!("{}: {}", queue.name, counted(&Counts::of(&tasks)))))?;
    print_line(&styled(DIM, &format!("{} in {}, {}", queue.source, queue.project, mode(&queue))))?;
    if let Some(run) = &run {
        print_line(&styled(DIM, &state(&desk, "queue", run)))?;
    }
    for task in &tasks {
        print_line(&line(task, "", true))?;
        let words = notes(&queue, task, &tasks);
        if !words.is_empty() {
            print_line(&styled(DIM, &format!("      {}", fit(&words, 160))))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What is to be said of a prompt beside its words.
fn notes(queue: &Queue, task: &Task, all: &[Task]) -> String {
    let mut notes = Vec::new();
    if task.is_manual && task.status == Status::Pending {
        notes.push(format!(
            "waits for you: marline queue update {} {} --release",
            quoted(&queue.name),
            task.number
        ));
    }
    if let Some(before) = task.after.as_ref().and_then(|id| all.iter().find(|task| task.id == *id)) {
        notes.push(format!("after {}", before.number));
    }
    if let Some(at) = task.not_before.filter(|_| task.status == Status::Pending) {
        notes.push(format!("waits until {}", clock(at)));
    }
    if !task.images.is_empty() {
        notes.push(many(task.images.len(), "picture"));
    }
    let result = result(task);
    if !result.is_empty() {
        notes.push(result.to_owned());
    }
    notes.join("; ")
}

/// Says of the prompts that have no turn what they wait for.
fn left(queue: &Queue, all: &[Task]) {
    for task in all.iter().filter(|task| task.status == Status::Pending && !will_run(task, all)) {
        let before = task.after.as_ref().and_then(|id| all.iter().find(|task| task.id == *id));
        match before.filter(|before| before.status != Status::Completed) {
            Some(before) if !task.is_manual => {
                note(&format!("Prompt {} waits for prompt {}.", task.number, before.number));
            }
            _ => note(&format!(
                "Prompt {1} waits for you: marline queue update {0} {1} --release",
                quoted(&queue.name),
                task.number
            )),
        }
    }
}

fn dry_run(places: &Places, name: &str, is_json: bool) -> Result<ExitCode, Failure> {
    let store = store(places)?;
    let queue = store.queue(name)?;
    let tasks = store.tasks(&queue.id)?;
    let next: Vec<&Task> = tasks.iter().filter(|task| will_run(task, &tasks)).collect();
    if is_json {
        print_json(&json!({ "queue": harmless_queue(queue), "prompts": next }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let session = queue.session.as_ref().map_or_else(String::new, |session| format!(", {session}"));
    print_line(&format!(
        "{} would be run by {} in {}, {}{session}:",
        next.len(),
        queue.source,
        queue.project,
        mode(&queue)
    ))?;
    next.iter().try_for_each(|task| print_line(&line(task, "", true)))?;
    left(&queue, &tasks);
    Ok(ExitCode::SUCCESS)
}
