use super::app::AppCx;
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
            "CREATE" if is(1, "DATABASE") || is(1, "SCHEMA") => {
                if self.databases.contains_key(&last) && !softly {
                    let words = format!("Can't create database '{last}'; database exists");
                    return Given::Error(1007, "HY000", words);
                }
                self.databases.entry(last).or_default();
                Given::Done
            }
            "DROP" if is(1, "DATABASE") => match self.databases.remove(&last) {
                None if !softly => Given::Error(
                    1008,
                    "HY000",
                    format!("Can't drop database '{last}'; database doesn't exist"),
                ),
                _ => Given::Done,
            },
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

    fn create_table(&mut self, database: &str, words: &[String], softly: bool) -> Given {
        let Some(open) = words.iter().position(|word| word == "(") else { return Given::Done };
        let name = words.get(open.wrapping_sub(1)).cloned().unwrap_or_default();
        let (mut columns, mut depth, mut fresh) = (Vec::new(), 0, true);
        for word in words.iter().skip(open) {
            match word.as_str() {
                "(" => depth += 1,
                ")" => depth -= 1,
                "," if depth == 1 => fresh = true,
                word if fresh && depth == 1 => {
                    fresh = false;
                    let is_key = matches!(
                        word.to_ascii_uppercase().as_str(),
                        "PRIMARY" | "KEY" | "UNIQUE" | "INDEX" | "CONSTRAINT"
                    );
                    if !is_key && columns.len() < 64 {
                        columns.push(word.to_string());
                    }
                }
                _ => {}
            }
        }
        match self.tables(database, &name) {
            Err(given) => given,
            Ok((tables, name)) if tables.contains_key(&name) => {
                if softly {
                    Given::Done
                } else {
                    Given::Error(1050, "42S01", format!("Table '{name}' already exists"))
                }
            }
            Ok((tables, name)) => {
                tables.insert(name, Table { columns, rows: Vec::new() });
                Given::Done
            }
        }
    }

    fn insert(&mut self, database: &str, words: &[String], upper: &[String]) -> Given {
        let Some(values) = upper.iter().position(|word| word == "VALUES" || word == "VALUE") else {
            return Given::Done;
        };
        let at = 1 + usize::from(upper.get(1).is_some_and(|word| word == "INTO"));
        let name = words.get(at).cloned().unwrap_or_default();
        let groups = groups(words.get(values + 1..).unwrap_or(&[]));
        let listed = self::groups(words.get(at + 1..values).unwrap_or(&[]));
        let full = self
            .databases
            .values()
            .flat_map(|tables| tables.values())
            .map(|table| table.rows.len())
            .sum::<usize>();
        let table = match self.table(database, &name) {
            Ok(table) => table,
            Err(given) => return given,
        };
        if full + groups.len() > ROWS {
            return Given::Error(1114, "HY000", format!("The table '{name}' is full"));
        }
        for group in groups {
            let row = match listed.first() {
                None if group.len() == table.columns.len() => group,
                None => {
                    return Given::Error(
                        1136,
                        "21S01",
                        "Column count doesn't match value count at row 1".to_string(),
                    );
                }
                Some(listed) => {
                    let next = (table.rows.len() + 1).to_string();
                    let cell =
                        |(n, column): (usize, &String)| match listed.iter().position(|known| known == column)
                        {
                            Some(at) => group.get(at).cloned().unwrap_or_default(),
                            None if n == 0 => next.clone(),
                            None => "NULL".to_string(),
                        };
                    table.columns.iter().enumerate().map(cell).collect()
                }
            };
            table.rows.push(row);
        }
        Given::Done
    }

    fn select(&mut self, database: &str, words: &[String], upper: &[String]) -> Given {
        let Some(from) = upper.iter().position(|word| word == "FROM") else { return Given::Done };
        let name = words.get(from + 1).cloned().unwrap_or_default();
        let asked: Vec<String> =
            words.get(1..from).unwrap_or(&[]).iter().filter(|word| *word != ",").cloned().collect();
        let condition = condition(words, upper);
        let table = match self.table(database, &name) {
            Ok(table) => table.clone(),
            Err(given) => return given,
        };
        let rows: Vec<&Vec<String>> =
            table.rows.iter().filter(|row| table.matches(row, &condition)).collect();
        if asked.first().is_some_and(|word| word.eq_ignore_ascii_case("count")) {
            return Given::Rows(vec![asked.concat()], vec![vec![rows.len().to_string()]]);
        }
        if asked.first().is_some_and(|word| word == "*") {
            return Given::Rows(table.columns.clone(), rows.into_iter().cloned().collect());
        }
        let mut places = Vec::new();
        for column in &asked {
            match table.columns.iter().position(|known| known == column) {
                Some(place) => places.push(place),
                None => {
                    return Given::Error(1054, "42S22", format!("Unknown column '{column}' in 'field list'"));
                }
            }
        }
        let pick = |row: &&Vec<String>| places.iter().filter_map(|place| row.get(*place).cloned()).collect();
        Given::Rows(asked, rows.iter().map(pick).collect())
    }

    fn change(&mut self, database: &str, words: &[String], upper: &[String]) -> Given {
        let deletes = upper.first().is_some_and(|word| word == "DELETE");
        let name = words.get(if deletes { 2 } else { 1 }).cloned().unwrap_or_default();
        let condition = condition(words, upper);
        let set = upper.iter().position(|word| word == "SET").unwrap_or(0);
        let assignment = (
            words.get(set + 1).cloned().unwrap_or_default(),
            words.get(set + 3).cloned().unwrap_or_default(),
        );
        let table = match self.table(database, &name) {
            Ok(table) => table,
            Err(given) => return given,
        };
        let hit: Vec<bool> = table.rows.iter().map(|row| table.matches(row, &condition)).collect();
        let mut hits = hit.into_iter();
        if deletes {
            table.rows.retain(|_| !hits.next().unwrap_or(false));
            return Given::Done;
        }
        let Some(place) = table.columns.iter().position(|column| *column == assignment.0) else {
            return Given::Error(1054, "42S22", format!("Unknown column '{}' in 'field list'", assignment.0));
        };
        for row in &mut table.rows {
            if hits.next().unwrap_or(false)
                && let Some(cell) = row.get_mut(place)
            {
                cell.clone_from(&assignment.1);
            }
        }
        Given::Done
    }
}

impl Table {
    fn matches(&self, row: &[String], condition: &Option<(String, String)>) -> bool {
        let Some((column, value)) = condition else { return true };
        let place = self.columns.iter().position(|known| known == column);
        place.and_then(|place| row.get(place)).is_some_and(|cell| cell == value)
    }
}

fn no_database() -> Given {
    Given::Error(1046, "3D000", "No database selected".to_string())
}

/// Returns the column and the value of `WHERE column = value`.
fn condition(words: &[String], upper: &[String]) -> Option<(String, String)> {
    let at = upper.iter().position(|word| word == "WHERE")?;
    Some((words.get(at + 1)?.clone(), words.get(at + 3)?.clone()))
}

/// Returns what stands in each pair of brackets, without the commas.
fn groups(words: &[String]) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut depth = 0;
    for word in words {
        match word.as_str() {
            "(" => {
                depth += 1;
                if depth == 1 {
                    groups.push(Vec::new());
                }
            }
            ")" => depth -= 1,
            "," => {}
            word if depth > 0 => groups.last_mut().into_iter().for_each(|group| group.push(word.to_string())),
            _ => {}
        }
    }
    groups
}

/// Parts a statement into words, texts and signs; quotes are dropped.
fn tokens(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut letters = sql.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => {}
            '\'' | '"' | '`' => words.push(letters.by_ref().take_while(|next| *next != letter).collect()),
            '(' | ')' | ',' | '=' | '*' => words.push(letter.to_string()),
            letter => {
                let mut word = letter.to_string();
                while let Some(next) =
                    letters.next_if(|next| !next.is_whitespace() && !"(),='\"`".contains(*next))
                {
                    word.push(next);
                }
                words.push(word);
            }
        }
    }
    words
}

fn escape(cell: &str) -> String {
    cell.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n")
}

fn unescape(cell: &str) -> String {
    let mut text = String::new();
    let mut letters = cell.chars();
    while let Some(letter) = letters.next() {
        match (letter, if letter == '\\' { letters.next() } else { None }) {
            ('\\', Some('t')) => text.push('\t'),
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some(other)) => text.push(other),
            (letter, _) => text.push(letter),
        }
    }
    text
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
