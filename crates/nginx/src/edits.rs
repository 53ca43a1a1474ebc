use network::Headers;
use std::rc::Rc;

/// Returns a header's value, whatever the case of its name.
pub fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
}

/// Returns the value of a cookie.
pub fn cookie<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let pairs = header(headers, "cookie")?.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(key, _)| !name.is_empty() && *key == name).map(|(_, value)| value)
}

/// What is changed of headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Edits {
    /// Those that get another value.
    pub set: Vec<(Rc<str>, Rc<str>)>,
    /// Those that get one more value.
    pub add: Vec<(Rc<str>, Rc<str>)>,
    /// Those that are taken out.
    pub remove: Vec<Rc<str>>,
}

impl Edits {
    /// Makes the changes.
    pub fn apply(&self, headers: &mut Headers) {
        let is_out = |name: &str| {
            self.remove.iter().any(|one| one.eq_ignore_ascii_case(name))
                || self.set.iter().any(|(one, _)| one.eq_ignore_ascii_case(name))
        };
        headers.retain(|(name, _)| !is_out(name));
        headers.extend(self.set.iter().cloned());
        for (name, value) in &self.add {
            match headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, known)) => *known = format!("{known},{value}").into(),
                None => headers.push((name.clone(), value.clone())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_set_added_and_removed_whatever_their_case() {
        let mut headers: Headers = Headers::default();
        for (name, value) in [("Accept", "*/*"), ("x-a", "1"), ("X-B", "2"), ("X-C", "3")] {
            headers.push((name.into(), value.into()));
        }
        let pair = |name: &str, value: &str| (Rc::from(name), Rc::from(value));
        let edits = Edits {
            set: vec![pair("X-A", "9"), pair("X-D", "4")],
            add: vec![pair("x-b", "5"), pair("X-E", "6")],
            remove: vec!["x-c".into()],
        };
        edits.apply(&mut headers);
        let told: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(told, ["Accept: */*", "X-B: 2,5", "X-A: 9", "X-D: 4", "X-E: 6"]);
    }
}
