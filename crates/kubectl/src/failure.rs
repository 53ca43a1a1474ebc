//! What goes wrong, and how kubectl says it.

use crate::text::quote;
use api::Status;

/// Why a command fails.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// kubectl's own words.
    Error(String),
    /// Words that are printed as they are.
    Plain(String),
    /// The server's refusal.
    Status(Box<Status>),
    /// The server can't be reached; the words to print.
    Connection(String),
    /// No such resource type.
    NoResource {
        /// Its name.
        resource: String,
        /// Its group; empty where none was given.
        group: String,
    },
    /// Several.
    Many(Vec<Failure>),
    /// Nothing more is said.
    Exit(i32),
    /// A process's own failure, with its exit code.
    Process {
        /// kubectl's words.
        message: String,
        /// The code.
        code: i32,
    },
}

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure::Status(Box::new(status))
    }
}

/// Makes a failure of kubectl's own words.
pub(crate) fn error<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Failure::Error(text.into()))
}

/// Makes the failure of a wrong use of a command.
// Models staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go UsageErrorf
pub(crate) fn usage<T>(command: &str, text: impl AsRef<str>) -> Outcome<T> {
    error(format!("{}\nSee 'kubectl {command} -h' for help and examples", text.as_ref()))
}

impl Failure {
    /// Makes one failure of several.
    pub fn many(mut failures: Vec<Failure>) -> Outcome {
        match failures.len() {
            0 => Ok(()),
            1 => failures.pop().map_or(Ok(()), Err),
            _ => Err(Failure::Many(failures)),
        }
    }

    /// Returns whether the server has no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Failure::Status(status) if status.reason == "NotFound")
    }

    /// Returns whether the object has changed meanwhile.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Failure::Status(status) if status.reason == "Conflict")
    }

    /// Returns the error's own text, as other errors cite it.
    pub fn text(&self) -> String {
        match self {
            Failure::Error(text) | Failure::Plain(text) | Failure::Connection(text) => text.clone(),
            Failure::Status(status) => status.message.clone(),
            Failure::NoResource { resource, .. } => {
                format!("the server doesn't have a resource type {}", quote(resource))
            }
            Failure::Many(failures) => {
                let all: Vec<String> = failures.iter().map(Failure::text).collect();
                format!("[{}]", all.join(", "))
            }
            Failure::Exit(_) => "exit".to_string(),
            Failure::Process { message, .. } => message.clone(),
        }
    }

    /// Returns the failure with words before it that tell what was being done to what.
    // Models staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go AddSourceToErr
    pub fn told_of(self, verb: &str, source: &str) -> Failure {
        if source.is_empty() {
            return self;
        }
        let text = format!("error when {verb} {}: {}", quote(source), self.text());
        match self {
            Failure::Status(mut status) => {
                status.message = text;
                Failure::Status(status)
            }
            Failure::Connection(_) | Failure::Exit(_) => self,
            _ => Failure::Error(text),
        }
    }

    /// Returns the failure told by kubectl as `text: …`.
    pub fn wrapped(self, text: &str) -> Failure {
        match self {
            Failure::Connection(_) | Failure::Exit(_) => self,
            other => Failure::Error(format!("{text}: {}", other.text())),
        }
    }

    /// Returns kubectl's own words with a line of ours after them.
    pub fn with_hint(self, hint: &str) -> Failure {
        match self {
            Failure::Error(text) => Failure::Error(format!("{text}\n# kubarium: {hint}")),
            other => other,
        }
    }

    /// Returns the exit code.
    pub fn code(&self) -> i32 {
        match self {
            Failure::Exit(code) | Failure::Process { code, .. } => *code,
            _ => 1,
        }
    }

    /// Returns what is printed, with the line's end; empty for nothing.
    // Models staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go checkErr
    pub fn message(&self) -> String {
        let mut text = match self {
            Failure::Exit(_) => return String::new(),
            Failure::Plain(text) => text.clone(),
            Failure::Process { message, .. } => message.clone(),
            Failure::NoResource { resource, group } if !group.is_empty() => {
                format!(
                    "the server doesn't have a resource type {} in group {}",
                    quote(resource),
                    quote(group)
                )
            }
            Failure::NoResource { .. } => self.text(),
            Failure::Status(status) if status.reason == "Invalid" => invalid(status),
            Failure::Many(failures) => {
                let all: Vec<String> = failures.iter().map(Failure::one_of_many).collect();
                all.join("\n")
            }
            _ => self.standard(),
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    // Models staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go messageForError
    fn one_of_many(&self) -> String {
        let text = match self {
            Failure::Status(_) | Failure::Connection(_) => self.standard(),
            other => other.text(),
        };
        text.trim_end_matches('\n').to_string()
    }

    // Models staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go StandardErrorMessage
    fn standard(&self) -> String {
        match self {
            Failure::Status(status) if status.reason == "Unauthorized" => {
                format!("error: You must be logged in to the server ({})", status.message)
            }
            Failure::Status(status) if status.reason.is_empty() => {
                format!("Error from server: {}", status.message)
            }
            Failure::Status(status) => format!("Error from server ({}): {}", status.reason, status.message),
            Failure::Connection(text) | Failure::Plain(text) => text.clone(),
            Failure::Exit(_) => String::new(),
            other => {
                let text = other.text();
                if text.starts_with("error: ") { text } else { format!("error: {text}") }
            }
        }
    }
}

fn invalid(status: &Status) -> String {
    let details = &status.details;
    if details.is_null() {
        let more = if status.message.is_empty() { String::new() } else { format!(": {}", status.message) };
        return format!("The request is invalid{more}");
    }
    let (kind, name) = (details["kind"].str(), details["name"].str());
    let causes = details["causes"].items();
    let mut text = "The request is invalid".to_string();
    if !kind.is_empty() || !name.is_empty() {
        text = format!("The {kind} {} is invalid", quote(name));
    } else if !status.message.is_empty() && causes.is_empty() {
        text.push_str(": ");
        text.push_str(&status.message);
    }
    let mut messages: Vec<String> = Vec::new();
    for cause in causes {
        let message = format!("{}: {}", cause["field"].str(), cause["message"].str());
        if !messages.contains(&message) {
            messages.push(message);
        }
    }
    match messages.as_slice() {
        [] => text,
        [one] => format!("{text}: {one}"),
        all => {
            let bullets: String = all.iter().map(|message| format!("* {message}\n")).collect();
            format!("{text}: \n{bullets}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::FieldError;

    #[test]
    fn says_it_as_kubectl() {
        let required = FieldError::required("spec.ports", "");
        let again = FieldError::invalid("spec.a", 1, "no");
        for (failure, want) in [
            (Failure::Error("x".into()), "error: x\n"),
            (
                Failure::from(Status::not_found("pods", "a")),
                "Error from server (NotFound): pods \"a\" not found\n",
            ),
            (
                Failure::from(Status::invalid("Service", "a", std::slice::from_ref(&required))),
                "The Service \"a\" is invalid: spec.ports: Required value\n",
            ),
            (
                Failure::from(Status::invalid("Service", "a", &[required, again]))
                    .told_of("creating", "f.yaml"),
                "The Service \"a\" is invalid: \n* spec.ports: Required value\n* spec.a: Invalid value: 1: no\n",
            ),
            (
                Failure::from(Status::bad_request("bad")).told_of("creating", "f.yaml"),
                "Error from server (BadRequest): error when creating \"f.yaml\": bad\n",
            ),
            (
                Failure::Many(vec![
                    Failure::Error("one".into()),
                    Failure::from(Status::not_found("pods", "a")),
                ]),
                "one\nError from server (NotFound): pods \"a\" not found\n",
            ),
            (
                Failure::from(Status::already_exists("pods", "a")).wrapped("failed to create pod"),
                "error: failed to create pod: pods \"a\" already exists\n",
            ),
        ] {
            assert_eq!(failure.message(), want);
        }
    }
}
