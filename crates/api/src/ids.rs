//! As whom a process runs, and how `id` and `whoami` tell of it.

/// The numbers of a process's user and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ids {
    /// The user's.
    pub user: i64,
    /// The group's.
    pub group: i64,
    /// Those of all its groups, in order.
    pub groups: Vec<i64>,
}

/// Returns the name of a user or group that every image has.
fn name(id: i64) -> Option<&'static str> {
    match id {
        0 => Some("root"),
        65_534 => Some("nobody"),
        _ => None,
    }
}

fn named(id: i64) -> String {
    name(id).map_or_else(|| id.to_string(), |name| format!("{id}({name})"))
}

impl Ids {
    /// Returns the user's name, or its number where it has none.
    pub fn user_name(&self) -> String {
        name(self.user).map_or_else(|| self.user.to_string(), str::to_string)
    }

    /// Returns the group's name, or its number where it has none.
    pub fn group_name(&self) -> String {
        name(self.group).map_or_else(|| self.group.to_string(), str::to_string)
    }

    /// Returns what `id` prints.
    ///
    /// # Errors
    /// Its complaint about a number that has no name.
    pub fn id(&self, option: &str, is_busybox: bool) -> Result<String, String> {
        let unknown = |what: &str, id: i64| match is_busybox {
            true => format!("id: unknown ID {id}"),
            false => format!("id: cannot find name for {what} ID {id}"),
        };
        let known = |what: &str, id: i64| name(id).map(str::to_string).ok_or_else(|| unknown(what, id));
        match option {
            "-u" => Ok(self.user.to_string()),
            "-g" => Ok(self.group.to_string()),
            "-G" => Ok(self.groups.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")),
            "-un" | "-nu" => known("user", self.user),
            "-gn" | "-ng" => known("group", self.group),
            _ => {
                let groups: Vec<String> = self.groups.iter().map(|id| named(*id)).collect();
                Ok(format!("uid={} gid={} groups={}", named(self.user), named(self.group), groups.join(",")))
            }
        }
    }

    /// Returns what `whoami` prints.
    ///
    /// # Errors
    /// Its complaint about a number that has no name.
    pub fn whoami(&self, is_busybox: bool) -> Result<String, String> {
        name(self.user).map(str::to_string).ok_or_else(|| match is_busybox {
            true => format!("whoami: unknown uid {}", self.user),
            false => format!("whoami: cannot find name for user ID {}", self.user),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_names_are_told_as_numbers() {
        let ids = |user, group, groups: &[i64]| Ids { user, group, groups: groups.to_vec() };
        let some = ids(1000, 3000, &[2000, 3000, 4000]);
        let root = ids(0, 0, &[0]);
        for (ids, option, busybox, said) in [
            (&root, "", true, Ok("uid=0(root) gid=0(root) groups=0(root)")),
            (&some, "", true, Ok("uid=1000 gid=3000 groups=2000,3000,4000")),
            (&some, "-G", true, Ok("2000 3000 4000")),
            (&some, "-u", false, Ok("1000")),
            (&root, "-un", true, Ok("root")),
            (&some, "-un", true, Err("id: unknown ID 1000")),
            (&some, "-gn", false, Err("id: cannot find name for group ID 3000")),
        ] {
            let found = ids.id(option, busybox);
            assert_eq!(found.as_deref().map_err(String::as_str), said, "{option}");
        }
        assert_eq!(root.whoami(true).as_deref(), Ok("root"));
        assert_eq!(some.whoami(true), Err("whoami: unknown uid 1000".to_string()));
    }
}
