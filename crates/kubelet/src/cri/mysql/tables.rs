use super::sql::{condition, groups};
use super::{Given, Mysql, ROWS, Table};

impl Mysql {
    pub(super) fn create_table(&mut self, database: &str, words: &[String], softly: bool) -> Given {
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

    pub(super) fn insert(&mut self, database: &str, words: &[String], upper: &[String]) -> Given {
        let Some(values) = upper.iter().position(|word| word == "VALUES" || word == "VALUE") else {
            return Given::Done;
        };
        let at = 1 + usize::from(upper.get(1).is_some_and(|word| word == "INTO"));
        let name = words.get(at).cloned().unwrap_or_default();
        let given_rows = groups(words.get(values + 1..).unwrap_or(&[]));
        let listed = groups(words.get(at + 1..values).unwrap_or(&[]));
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
        if full + given_rows.len() > ROWS {
            return Given::Error(1114, "HY000", format!("The table '{name}' is full"));
        }
        for group in given_rows {
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

    pub(super) fn select(&mut self, database: &str, words: &[String], upper: &[String]) -> Given {
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

    pub(super) fn change(&mut self, database: &str, words: &[String], upper: &[String]) -> Given {
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
    pub(super) fn matches(&self, row: &[String], condition: &Option<(String, String)>) -> bool {
        let Some((column, value)) = condition else { return true };
        let place = self.columns.iter().position(|known| known == column);
        place.and_then(|place| row.get(place)).is_some_and(|cell| cell == value)
    }
}

pub(super) fn no_database() -> Given {
    Given::Error(1046, "3D000", "No database selected".to_string())
}
