//! The messages between page and worker. Each is a text.
//!
//! What begins with `!` is for the two ends themselves; what begins with `#` is a view, of which
//! the worker sends one a frame at most and none before the last is acknowledged; the rest is the
//! engine's, as it stands.

/// A message from the page to the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToWorker {
    /// Asks for [`ToPage::Pong`].
    Ping,
    /// Says that the last view was drawn.
    Acknowledge,
    /// Is for the engine.
    Message(String),
}

/// A message from the worker to the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToPage {
    /// Says that the worker listens.
    Ready,
    /// Answers a ping.
    Pong,
    /// Says that a message was dropped because too many were waiting.
    Refused,
    /// Says why the worker is about to end.
    Panic(String),
    /// Is the engine's view.
    View(String),
    /// Is the engine's answer, or something that it tells.
    Message(String),
}

impl ToWorker {
    /// Returns the message that the text means. A word that is not known is for the engine.
    pub fn parse(text: String) -> ToWorker {
        match text.as_str() {
            "!ping" => ToWorker::Ping,
            "!ack" => ToWorker::Acknowledge,
            _ => ToWorker::Message(text),
        }
    }

    /// Returns the text to send.
    pub fn into_text(self) -> String {
        match self {
            ToWorker::Ping => "!ping".to_owned(),
            ToWorker::Acknowledge => "!ack".to_owned(),
            ToWorker::Message(text) => text,
        }
    }
}

impl ToPage {
    /// Returns the message that the text means. A word that is not known is the engine's.
    pub fn parse(text: String) -> ToPage {
        match text.as_str() {
            "!ready" => return ToPage::Ready,
            "!pong" => return ToPage::Pong,
            "!refused" => return ToPage::Refused,
            _ => {}
        }
        if let Some(view) = text.strip_prefix('#') {
            ToPage::View(view.to_owned())
        } else if let Some(why) = text.strip_prefix("!panic ") {
            ToPage::Panic(why.to_owned())
        } else {
            ToPage::Message(text)
        }
    }

    /// Returns the text to send.
    pub fn into_text(self) -> String {
        match self {
            ToPage::Ready => "!ready".to_owned(),
            ToPage::Pong => "!pong".to_owned(),
            ToPage::Refused => "!refused".to_owned(),
            ToPage::Panic(why) => format!("!panic {why}"),
            ToPage::View(view) => format!("#{view}"),
            ToPage::Message(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_way() {
        let json = || r#"{"kind":"line","text":"!ping"}"#.to_owned();
        for message in [ToWorker::Ping, ToWorker::Acknowledge, ToWorker::Message(json())] {
            assert_eq!(ToWorker::parse(message.clone().into_text()), message);
        }
        for message in [
            ToPage::Ready,
            ToPage::Pong,
            ToPage::Refused,
            ToPage::Panic("at a.rs:1\nno such row".to_owned()),
            ToPage::View(json()),
            ToPage::Message(json()),
        ] {
            assert_eq!(ToPage::parse(message.clone().into_text()), message);
        }
    }
}
