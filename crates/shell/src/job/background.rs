//! What runs beside the prompt: `&`, `jobs`, `wait`, `fg`, `kill`.

use super::shared::Shared;

/// What a process's number begins with, as a person sees it.
const FIRST_PID: u32 = 2_400;

/// A command that runs in the background.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Background {
    /// The process.
    pub id: u32,
    /// The job's number, as in `%1`.
    pub number: u32,
    /// The command's words.
    pub text: String,
    /// Whether a script began it: then the prompt says nothing of its end.
    pub is_quiet: bool,
}

impl Background {
    /// Returns the process's number as a person sees it: `$!`.
    pub fn pid(&self) -> u32 {
        FIRST_PID + self.id
    }
}

/// Returns how bash names an exit status in its list of jobs.
fn ended_words(status: i32) -> String {
    match status {
        0 => "Done".to_string(),
        130 => "Interrupt".to_string(),
        137 => "Killed".to_string(),
        143 => "Terminated".to_string(),
        status => format!("Exit {status}"),
    }
}

impl Shared {
    /// Notes that a process runs in the background.
    pub fn put_in_background(&mut self, id: u32, text: String, is_quiet: bool) -> Background {
        let number = self.background.iter().map(|job| job.number).max().unwrap_or(0) + 1;
        let job = Background { id, number, text, is_quiet };
        self.background.push(job.clone());
        job
    }

    /// Returns the job that `%1`, `%+`, `%-`, `%NAME` or a process's number means; the last for an empty word.
    pub fn background_job(&self, word: &str) -> Option<&Background> {
        let last =
            |back: usize| self.background.len().checked_sub(back).and_then(|at| self.background.get(at));
        match word.strip_prefix('%') {
            _ if word.is_empty() => last(1),
            Some("" | "%" | "+") => last(1),
            Some("-") => last(2),
            Some(name) => match name.parse::<u32>() {
                Ok(number) => self.background.iter().find(|job| job.number == number),
                Err(_) => self.background.iter().find(|job| job.text.starts_with(name)),
            },
            None => self.background.iter().find(|job| job.pid().to_string() == word),
        }
    }

    fn line_of(&self, at: usize, pid: bool) -> String {
        let Some(job) = self.background.get(at) else { return String::new() };
        let sign = match self.background.len() - at {
            1 => '+',
            2 => '-',
            _ => ' ',
        };
        let pid = if pid { format!("{} ", job.pid()) } else { String::new() };
        let (words, tail) = match self.finished.get(&job.id) {
            Some(status) => (ended_words(*status), ""),
            None => ("Running".to_string(), " &"),
        };
        format!("[{}]{sign}  {pid}{words:<24}{}{tail}\n", job.number, job.text)
    }

    /// Returns the lines of `jobs`; those that have ended are listed for the last time.
    pub fn list_background(&mut self, pids: bool) -> String {
        let lines = (0..self.background.len()).map(|at| self.line_of(at, pids)).collect();
        self.forget_ended();
        lines
    }

    /// Returns the lines on what has ended since a prompt was last shown.
    pub fn report_ended(&mut self) -> String {
        let is_told = |at: &usize| {
            let job = self.background.get(*at);
            job.is_some_and(|job| self.finished.contains_key(&job.id) && !job.is_quiet)
        };
        let lines = (0..self.background.len()).filter(is_told).map(|at| self.line_of(at, false)).collect();
        self.forget_ended();
        lines
    }

    /// Returns whether something in the background has ended and it wasn't told.
    pub fn has_news(&self) -> bool {
        self.background.iter().any(|job| self.finished.contains_key(&job.id))
    }

    fn forget_ended(&mut self) {
        let finished = &self.finished;
        self.background.retain(|job| !finished.contains_key(&job.id));
    }

    /// Takes a job out of the list.
    pub fn forget(&mut self, id: u32) {
        self.background.retain(|job| job.id != id);
    }

    /// Drops how processes ended that nobody waits for any more.
    pub fn tidy(&mut self) {
        let background = &self.background;
        self.finished.retain(|id, _| background.iter().any(|job| job.id == *id));
    }
}
