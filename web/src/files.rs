//! The editor's files.

use serde::{Deserialize, Serialize};

/// The most files.
pub const FILES: usize = 24;
/// The most bytes of a file.
pub const BYTES: usize = 256 * 1024;

/// A file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name in the console's working folder.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The text as the console's working folder has it; none where it hasn't.
    #[serde(default)]
    pub written: Option<String>,
    /// The text that was applied last.
    #[serde(default)]
    pub applied: Option<String>,
}

/// The files in the order of their tabs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    list: Vec<File>,
    active: usize,
}

impl Files {
    /// Returns the files.
    pub fn list(&self) -> &[File] {
        &self.list
    }

    /// Returns the file that is shown.
    pub fn active(&self) -> Option<&File> {
        self.list.get(self.active)
    }

    /// Returns the place of the file that is shown.
    pub fn active_index(&self) -> usize {
        self.active
    }

    /// Returns a file by its name.
    pub fn get(&self, name: &str) -> Option<&File> {
        self.list.iter().find(|file| file.name == name)
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut File> {
        self.list.iter_mut().find(|file| file.name == name)
    }

    /// Shows a file.
    pub fn show(&mut self, name: &str) {
        if let Some(place) = self.list.iter().position(|file| file.name == name) {
            self.active = place;
        }
    }

    /// Adds a file and shows it, or gives the file of that name another text. Returns the file's
    /// name as it became, or nothing if there are too many or the text is too long.
    pub fn put(&mut self, name: &str, text: &str) -> Option<String> {
        if text.len() > BYTES {
            return None;
        }
        let name = clean_name(name);
        let full = self.is_full();
        match self.get_mut(&name) {
            Some(file) => text.clone_into(&mut file.text),
            None if full => return None,
            None => self.list.push(File { name: name.clone(), text: text.to_owned(), ..File::default() }),
        }
        self.show(&name);
        Some(name)
    }

    /// Adds an empty file under a name that is free, and shows it.
    pub fn add(&mut self) -> Option<String> {
        let name = self.free_name("manifest.yaml", None);
        self.put(&name, "")
    }

    /// Notes what was typed into a file.
    pub fn edit(&mut self, name: &str, text: &str) {
        if let Some(file) = self.get_mut(name).filter(|_| text.len() <= BYTES) {
            text.clone_into(&mut file.text);
        }
    }

    /// Renames a file. Returns the name it got: names are unique.
    pub fn rename(&mut self, from: &str, to: &str) -> Option<String> {
        let place = self.list.iter().position(|file| file.name == from)?;
        let to = self.free_name(&clean_name(to), Some(from));
        if let Some(file) = self.list.get_mut(place) {
            file.name = to.clone();
            file.written = if to == from { file.written.take() } else { None };
        }
        Some(to)
    }

    /// Gives a file another name that is free, so that its own can be used. Nothing happens where there is
    /// no room for another file.
    pub fn set_aside(&mut self, name: &str) {
        if !self.is_full() {
            let free = self.free_name(name, None);
            self.rename(name, &free);
        }
    }

    /// Closes a file and returns it.
    pub fn close(&mut self, name: &str) -> Option<File> {
        let place = self.list.iter().position(|file| file.name == name)?;
        let file = self.list.remove(place);
        if self.active > place || self.active >= self.list.len() {
            self.active = self.active.saturating_sub(1);
        }
        Some(file)
    }

    /// Takes in what a command did to a file of the working folder.
    pub fn changed_by_command(&mut self, name: &str, text: Option<&str>) {
        let full = self.is_full();
        match (text, self.get_mut(name)) {
            (None, Some(_)) => drop(self.close(name)),
            (Some(text), Some(file)) if text.len() <= BYTES => {
                text.clone_into(&mut file.text);
                file.written = Some(text.to_owned());
            }
            (Some(text), None) if text.len() <= BYTES && is_manifest(name) && !full => {
                let (name, text) = (name.to_owned(), text.to_owned());
                self.list.push(File { name, written: Some(text.clone()), text, applied: None });
            }
            _ => {}
        }
    }

    /// Returns the files that the console's working folder doesn't have as they are, and notes that it will.
    pub fn flush(&mut self) -> Vec<(String, String)> {
        let stale = self.list.iter_mut().filter(|file| file.written.as_deref() != Some(&file.text));
        stale
            .map(|file| {
                file.written = Some(file.text.clone());
                (file.name.clone(), file.text.clone())
            })
            .collect()
    }

    /// Notes that a new cluster's console has no files yet.
    pub fn forget_cluster(&mut self) {
        for file in &mut self.list {
            (file.written, file.applied) = (None, None);
        }
    }

    /// Notes that a file was applied as it is.
    pub fn applied(&mut self, name: &str) {
        if let Some(file) = self.get_mut(name) {
            file.applied = Some(file.text.clone());
        }
    }

    fn is_full(&self) -> bool {
        self.list.len() >= FILES
    }

    fn free_name(&self, wanted: &str, own: Option<&str>) -> String {
        let (stem, extension) = wanted.rsplit_once('.').unwrap_or((wanted, "yaml"));
        let mut name = wanted.to_owned();
        let mut number = 2;
        while own != Some(&name) && self.get(&name).is_some() {
            name = format!("{stem}-{number}.{extension}");
            number += 1;
        }
        name
    }
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
}

/// Returns a file's name that needs no quoting in a shell: without folders, blanks and signs.
pub fn clean_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let clean: String = base
        .chars()
        .map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '-' })
        .take(60)
        .collect();
    let clean = clean.trim_start_matches(['-', '.']);
    match clean {
        "" => "manifest.yaml".to_owned(),
        _ if clean.contains('.') => clean.to_owned(),
        _ => format!("{clean}.yaml"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Files {
        let mut files = Files::default();
        for name in names {
            files.put(name, name);
        }
        files
    }

    #[test]
    fn names_need_no_quotes() {
        for (name, clean) in [
            ("a.yaml", "a.yaml"),
            ("/x/my file.yml", "my-file.yml"),
            ("--all", "all.yaml"),
            ("", "manifest.yaml"),
            ("파드.yaml", "파드.yaml"),
            ("$(x);.yaml", "x--.yaml"),
        ] {
            assert_eq!(clean_name(name), clean);
        }
    }

    #[test]
    fn tabs_come_and_go() {
        let mut files = files(&["a.yaml", "b.yaml", "c.yaml"]);
        files.show("b.yaml");
        assert_eq!(files.close("a.yaml").map(|file| file.name), Some("a.yaml".into()));
        assert_eq!(files.active().map(|file| file.name.as_str()), Some("b.yaml"));
        assert_eq!(files.rename("b.yaml", "c.yaml").as_deref(), Some("c-2.yaml"));
        assert_eq!(files.rename("c-2.yaml", "c-2.yaml").as_deref(), Some("c-2.yaml"));
        files.show("c.yaml");
        files.close("c.yaml");
        files.close("c-2.yaml");
        assert_eq!(files.active(), None);
        assert_eq!(files.add().as_deref(), Some("manifest.yaml"));
        assert_eq!(files.add().as_deref(), Some("manifest-2.yaml"));
    }

    #[test]
    fn flushes_what_the_folder_lacks() {
        let mut files = files(&["a.yaml", "b.yaml"]);
        assert_eq!(files.flush().len(), 2);
        assert_eq!(files.flush(), []);
        files.edit("a.yaml", "new");
        assert_eq!(files.flush(), [("a.yaml".to_owned(), "new".to_owned())]);
        files.changed_by_command("pod.yaml", Some("kind: Pod"));
        files.changed_by_command("b.yaml", None);
        files.changed_by_command("notes.txt", Some("no manifest"));
        assert_eq!(files.flush(), []);
        assert_eq!(
            files.list().iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
            ["a.yaml", "pod.yaml"]
        );
        files.forget_cluster();
        assert_eq!(files.flush().len(), 2);
    }
}
