use super::app::AppCx;
use network::{Answer, Payload};
use std::rc::Rc;

/// A MySQL server. (The SQL comes later in this file's life.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mysql {
    password: Rc<str>,
}

impl Mysql {
    /// Starts on the data that is in `/var/lib/mysql`.
    pub fn start(cx: &mut AppCx) -> Mysql {
        Mysql { password: cx.var("MYSQL_ROOT_PASSWORD") }
    }

    /// Answers a statement.
    pub fn answer(&mut self, _cx: &mut AppCx, _payload: &Payload) -> Answer {
        Answer::Text("".into())
    }

    /// Answers `mysqladmin …`, `mysql …`.
    pub fn command(&mut self, _cx: &mut AppCx, argv: &[String]) -> (String, i64) {
        match argv.last().map(String::as_str) {
            Some("ping") => ("mysqld is alive\n".to_string(), 0),
            _ => (String::new(), 0),
        }
    }
}
