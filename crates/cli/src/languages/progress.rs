//! An installation as people see it: a line that moves on a terminal, a line for each step elsewhere.

use std::time::Duration;

use bailiwick::Language;
use bailiwick_languages::{Event, Packages, Progress, Step};
use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::{self, Untrusted};

/// Shows an installation on standard error.
pub(crate) struct Shown {
    what: String,
    steps: Vec<Step>,
    way: Way,
}

enum Way {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl Shown {
    pub(crate) fn start(language: Language, packages: &Packages, silent: bool) -> Shown {
        let mut steps = vec![Step::Fetch, Step::Packages, Step::Build, Step::Compile];
        if packages.is_empty() {
            steps.retain(|step| *step != Step::Packages);
        }
        let way = match (silent, terminal::is_live()) {
            (true, _) => Way::Nothing,
            (false, true) => Way::Bar(bar(steps.len())),
            (false, false) => Way::Lines,
        };
        Shown { what: language.to_string(), steps, way }
    }

    pub(crate) fn finish(&self) {
        if let Way::Bar(bar) = &self.way {
            bar.finish_and_clear();
        }
    }

    fn began(&self, step: Step) {
        let at = self.steps.iter().position(|known| *known == step);
        let number = at.map(|at| format!("[{}/{}] ", at + 1, self.steps.len())).unwrap_or_default();
        let text = format!("{}: {number}{step}", self.what);
        match &self.way {
            Way::Bar(bar) => {
                bar.enable_steady_tick(Duration::from_millis(120));
                bar.set_position(at.and_then(|at| u64::try_from(at).ok()).unwrap_or(0));
                bar.set_prefix(text);
                bar.set_message("");
            }
            Way::Lines => terminal::err(&format!("{text}\n")),
            Way::Nothing => {}
        }
    }
}

impl Progress for Shown {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Began(step) => self.began(step),
            Event::Line(line) => {
                if let Way::Bar(bar) = &self.way {
                    bar.set_message(Untrusted(line).to_string());
                }
            }
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.finish();
    }
}

fn bar(steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(steps).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{spinner} {prefix} [{bar:12}] {elapsed} {wide_msg:.dim}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar
}
