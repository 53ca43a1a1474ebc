//! `/etc/hosts`, and how `hostname` tells of a machine's name.

/// Returns the whole name of a host as `/etc/hosts` has it: the first of the line in which its name stands. Without one
/// it is the name itself.
pub fn whole_name<'a>(hosts: &'a str, name: &'a str) -> &'a str {
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or(""));
    let mut names = lines.map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>());
    names.find(|names| names.contains(&name)).and_then(|names| names.first().copied()).unwrap_or(name)
}

/// Returns what `hostname` prints with an option that asks for a part of the name; `None` for another option.
pub fn hostname(option: &str, hosts: &str, name: &str) -> Option<String> {
    let whole = whole_name(hosts, name);
    Some(match option {
        "" => name.to_string(),
        "-f" | "--fqdn" | "--long" => whole.to_string(),
        "-s" | "--short" => name.split('.').next().unwrap_or("").to_string(),
        "-d" | "--domain" => whole.split_once('.').map_or("", |(_, domain)| domain).to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_s_parts_are_told() {
        let hosts = "127.0.0.1\tlocalhost\n# web\n10.244.1.2\tweb.sub.default.svc.cluster.local\tweb\n";
        for (option, name, told) in [
            ("", "web", Some("web")),
            ("-f", "web", Some("web.sub.default.svc.cluster.local")),
            ("-f", "other", Some("other")),
            ("-d", "web", Some("sub.default.svc.cluster.local")),
            ("-d", "other", Some("")),
            ("-s", "web.sub", Some("web")),
            ("-x", "web", None),
        ] {
            assert_eq!(hostname(option, hosts, name).as_deref(), told, "{option} {name}");
        }
    }
}
