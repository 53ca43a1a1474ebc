mod sql;
mod tables;

use self::sql::{escape, tokens, unescape};
use self::tables::no_database;
use crate::cri::program::AppCx;
use network::{Answer, Payload};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Where the data is.
const FILE: &str = "/var/lib/mysql/kubarium.tsv";
/// How many rows a server keeps; more aren't taken.
const ROWS: usize = 2_000;
const SYSTEM: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

/// A table: the names of its columns, and its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// What a statement gives.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    Done,
    Rows(Vec<String>, Vec<Vec<String>>),
    Error(u32, &'static str, String),
}

/// A MySQL server: databases, tables and rows of text, kept in a file of its data directory, so that they
/// are there again where its volume comes back. Of SQL it knows what fits on a line: CREATE, DROP, SHOW,
/// USE, INSERT, SELECT with one condition, UPDATE and DELETE.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mysql {
    password: Rc<str>,
    version: Rc<str>,
    databases: BTreeMap<String, BTreeMap<String, Table>>,
}

impl Mysql {
    /// Starts on the data that is in `/var/lib/mysql`.
    pub fn start(cx: &mut AppCx, version: &Rc<str>) -> Mysql {
        let password = ["MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"].map(|name| cx.var(name));
        let password =
            password.into_iter().find(|password| !password.is_empty()).unwrap_or_else(|| "".into());
        let mut mysql = Mysql { password, version: version.clone(), databases: BTreeMap::new() };
        let text = cx.files.read(FILE);
        for line in text.as_deref().unwrap_or("").lines() {
            let mut cells = line.split('\t').map(unescape);
            let (Some(kind), Some(database), Some(table)) = (cells.next(), cells.next(), cells.next()) else {
                continue;
            };
            let tables = mysql.databases.entry(database).or_default();
            match kind.as_str() {
                "c" => tables.entry(table).or_default().columns = cells.collect(),
                "r" => tables.entry(table).or_default().rows.push(cells.collect()),
                _ => {}
            }
        }
        let first = cx.var("MYSQL_DATABASE");
        if !first.is_empty() {
            mysql.databases.entry(first.to_string()).or_default();
        }
        mysql.save(cx);
        mysql
    }

    fn save(&self, cx: &mut AppCx) {
        let mut text = String::new();
        let line = |kind: &str, database: &str, table: &str, cells: &[String]| {
            let cells: Vec<String> = [kind, database, table]
                .iter()
                .map(|cell| escape(cell))
                .collect::<Vec<_>>()
                .into_iter()
                .chain(cells.iter().map(|cell| escape(cell)))
                .collect();
            format!("{}\n", cells.join("\t"))
        };
        for (database, tables) in &self.databases {
            text += &line("d", database, "", &[]);
            for (name, table) in tables {
                text += &line("c", database, name, &table.columns);
                for row in &table.rows {
                    text += &line("r", database, name, row);
                }
            }
        }
        let _ = cx.files.write(FILE, &text);
    }

    /// Answers what comes over the network: a statement on a line, or the greeting.
    pub fn answer(&mut self, cx: &mut AppCx, payload: &Payload) -> Answer {
        match payload {
            Payload::Text(sql) => {
                let (text, _) = self.script(cx, "", sql);
                Answer::Text(text.into())
            }
            // Whoever speaks HTTP sees the server's greeting: its protocol's number and its version.
            _ => Answer::Text(format!("J\n{}\n", self.version).into()),
        }
    }

    /// Answers `mysqladmin …`, `mysql …`.
    pub fn command(&mut self, cx: &mut AppCx, argv: &[String]) -> (String, i64) {
        let first = argv.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        let (mut user, mut password, mut sql, mut words) = ("root", None, None, Vec::new());
        let mut rest = argv.iter().skip(1).map(String::as_str);
        while let Some(word) = rest.next() {
            match word {
                "-e" | "--execute" => sql = rest.next(),
                "-u" | "--user" => user = rest.next().unwrap_or("root"),
                "-h" | "--host" | "-P" | "-D" => drop(rest.next()),
                _ if word.starts_with("-u") => user = word.get(2..).unwrap_or("root"),
                _ if word.starts_with("--user=") => user = word.get(7..).unwrap_or("root"),
                _ if word.starts_with("--password=") => password = word.get(11..),
                _ if word.starts_with("-p") => password = word.get(2..),
                _ if word.starts_with('-') => {}
                word => words.push(word),
            }
        }
        let warning = match password.filter(|given| !given.is_empty()) {
            Some(_) => format!(
                "{first}: [Warning] Using a password on the command line interface can be insecure.\n"
            ),
            None => String::new(),
        };
        let using = if password.is_some_and(|given| !given.is_empty()) { "YES" } else { "NO" };
        let granted = user == "root" && password.unwrap_or("") == &*self.password;
        let denied = format!("Access denied for user '{user}'@'localhost' (using password: {using})");
        match (first, words.first().copied()) {
            // It is alive also where it lets nobody in: that is what `ping` asks.
            ("mysqladmin", Some("ping")) => (format!("{warning}mysqld is alive\n"), 0),
            ("mysqladmin", _) if !granted => (
                format!("{warning}mysqladmin: connect to server at 'localhost' failed\nerror: '{denied}'\n"),
                1,
            ),
            ("mysqladmin", Some("status")) => (
                format!(
                    "{warning}Uptime: 60  Threads: 1  Questions: 1  Slow queries: 0  Opens: 1  Open tables: 1\n"
                ),
                0,
            ),
            ("mysqladmin", _) => (warning, 0),
            ("mysqld", _) => (
                format!(
                    "/usr/sbin/mysqld  Ver {} for Linux on x86_64 (MySQL Community Server - GPL)\n",
                    self.version
                ),
                0,
            ),
            _ if !granted => (format!("{warning}ERROR 1045 (28000): {denied}\n"), 1),
            _ => {
                let (text, code) = self.script(cx, words.first().copied().unwrap_or(""), sql.unwrap_or(""));
                (format!("{warning}{text}"), code)
            }
        }
    }

    /// Runs statements and returns what `mysql` prints where its output is no terminal.
    fn script(&mut self, cx: &mut AppCx, database: &str, sql: &str) -> (String, i64) {
        let mut database = database.to_string();
        let mut text = String::new();
        for (i, statement) in sql.split(';').enumerate() {
            let words = tokens(statement);
            if words.is_empty() {
                continue;
            }
            match self.run(&mut database, &words) {
                Given::Done => {}
                Given::Rows(columns, rows) => {
                    text += &format!("{}\n", columns.join("\t"));
                    rows.iter().for_each(|row| text += &format!("{}\n", row.join("\t")));
                }
                Given::Error(number, state, words) => {
                    self.save(cx);
                    return (format!("{text}ERROR {number} ({state}) at line {}: {words}\n", i + 1), 1);
                }
            }
        }
        self.save(cx);
        (text, 0)
    }

    fn run(&mut self, database: &mut String, words: &[String]) -> Given {
        let word = |n: usize| words.get(n).map_or("", String::as_str);
        let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
        let is = |n: usize, known: &str| upper.get(n).is_some_and(|word| word == known);
        let softly = upper.iter().any(|word| word == "EXISTS");
        let last = words.last().map_or("", String::as_str).to_string();
        match upper.first().map_or("", String::as_str) {
            "USE" => self.using(database, word(1)),
            "SHOW" if is(1, "DATABASES") => {
                let all = self.databases.keys().map(String::as_str).chain(SYSTEM);
                let all: std::collections::BTreeSet<&str> = all.collect();
                Given::Rows(
                    vec!["Database".to_string()],
                    all.into_iter().map(|name| vec![name.to_string()]).collect(),
                )
            }
            "SHOW" if is(1, "TABLES") => match self.databases.get(database.as_str()) {
                Some(tables) => {
                    let column = format!("Tables_in_{database}");
                    Given::Rows(vec![column], tables.keys().map(|name| vec![name.clone()]).collect())
                }
                None => no_database(),
            },
            "CREATE" | "DROP" if is(1, "DATABASE") || is(1, "SCHEMA") => {
                self.change_databases(last, is(0, "CREATE"), softly)
            }
            "CREATE" if is(1, "TABLE") => self.create_table(database, words, softly),
            "DROP" if is(1, "TABLE") => match self.tables(database, &last) {
                Err(given) => given,
                Ok((tables, name)) => match tables.remove(&name) {
                    None if !softly => {
                        Given::Error(1051, "42S02", format!("Unknown table '{database}.{name}'"))
                    }
                    _ => Given::Done,
                },
            },
            "INSERT" => self.insert(database, words, &upper),
            "SELECT" if upper.iter().any(|word| word == "FROM") => self.select(database, words, &upper),
            "SELECT" => {
                let value = if upper.get(1).is_some_and(|word| word.contains("VERSION")) {
                    &*self.version
                } else {
                    word(1)
                };
                Given::Rows(vec![words.get(1..).unwrap_or(&[]).concat()], vec![vec![value.to_string()]])
            }
            "DELETE" | "UPDATE" => self.change(database, words, &upper),
            "SET" | "GRANT" | "FLUSH" | "ALTER" | "COMMIT" | "BEGIN" | "START" => Given::Done,
            _ => Given::Error(
                1064,
                "42000",
                format!(
                    "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server \
                     version for the right syntax to use near '{}' at line 1",
                    words.join(" ")
                ),
            ),
        }
    }

    /// Makes or drops a database.
    fn change_databases(&mut self, name: String, creates: bool, softly: bool) -> Given {
        let is_there = self.databases.contains_key(&name);
        match (creates, is_there) {
            (true, true) if !softly => {
                Given::Error(1007, "HY000", format!("Can't create database '{name}'; database exists"))
            }
            (false, false) if !softly => {
                Given::Error(1008, "HY000", format!("Can't drop database '{name}'; database doesn't exist"))
            }
            (true, false) => {
                self.databases.insert(name, BTreeMap::new());
                Given::Done
            }
            _ => {
                if !creates {
                    self.databases.remove(&name);
                }
                Given::Done
            }
        }
    }

    fn using(&self, database: &mut String, name: &str) -> Given {
        if self.databases.contains_key(name) || SYSTEM.contains(&name) {
            *database = name.to_string();
            return Given::Done;
        }
        Given::Error(1049, "42000", format!("Unknown database '{name}'"))
    }

    /// Returns the tables that a name belongs to, and the table's own name.
    fn tables(
        &mut self,
        database: &str,
        name: &str,
    ) -> Result<(&mut BTreeMap<String, Table>, String), Given> {
        let (database, name) = name.split_once('.').unwrap_or((database, name));
        if database.is_empty() {
            return Err(no_database());
        }
        match self.databases.get_mut(database) {
            Some(tables) => Ok((tables, name.to_string())),
            None => Err(Given::Error(1049, "42000", format!("Unknown database '{database}'"))),
        }
    }

    fn table(&mut self, database: &str, name: &str) -> Result<&mut Table, Given> {
        let full = if name.contains('.') { name.to_string() } else { format!("{database}.{name}") };
        let (tables, name) = self.tables(database, name)?;
        tables
            .get_mut(&name)
            .ok_or_else(|| Given::Error(1146, "42S02", format!("Table '{full}' doesn't exist")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_mysql_does() {
        let mut mysql = Mysql { version: "5.7.44".into(), ..Mysql::default() };
        let mut database = String::new();
        for (sql, given) in [
            ("select 1", Given::Rows(vec!["1".into()], vec![vec!["1".into()]])),
            ("show tables", no_database()),
            ("use shop", Given::Error(1049, "42000", "Unknown database 'shop'".into())),
            ("create database shop", Given::Done),
            (
                "create database shop",
                Given::Error(1007, "HY000", "Can't create database 'shop'; database exists".into()),
            ),
            ("USE shop", Given::Done),
            (
                "create table t (id int auto_increment primary key, name varchar(20), primary key (id))",
                Given::Done,
            ),
            ("show tables", Given::Rows(vec!["Tables_in_shop".into()], vec![vec!["t".into()]])),
            ("insert into t (name) values ('kim'), ('lee')", Given::Done),
            ("insert into t values (3, 'a, b')", Given::Done),
            (
                "insert into t values (3)",
                Given::Error(1136, "21S01", "Column count doesn't match value count at row 1".into()),
            ),
            ("select name from t where id=3", Given::Rows(vec!["name".into()], vec![vec!["a, b".into()]])),
            ("select count(*) from shop.t", Given::Rows(vec!["count(*)".into()], vec![vec!["3".into()]])),
            ("update t set name = 'x' where id = 1", Given::Done),
            ("delete from t where name = 'lee'", Given::Done),
            (
                "select * from t",
                Given::Rows(
                    vec!["id".into(), "name".into()],
                    vec![vec!["1".into(), "x".into()], vec!["3".into(), "a, b".into()]],
                ),
            ),
            ("select * from nope", Given::Error(1146, "42S02", "Table 'shop.nope' doesn't exist".into())),
        ] {
            assert_eq!(mysql.run(&mut database, &tokens(sql)), given, "{sql}");
        }
        assert_eq!(unescape(&escape("a\tb\\n\nc")), "a\tb\\n\nc");
    }
}
