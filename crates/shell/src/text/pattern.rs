/// A pattern of the shell: `*`, `?`, `[…]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pattern {
    items: Vec<Item>,
}

#[derive(Clone, Debug)]
enum Item {
    Any,
    One,
    Character(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

/// Returns whether the text holds what means something in a pattern.
pub(crate) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

impl Pattern {
    /// Adds text that means itself.
    pub fn literal(&mut self, text: &str) {
        self.items.extend(text.chars().map(Item::Character));
    }

    /// Adds text in which wildcards count.
    pub fn wild(&mut self, text: &str) {
        let characters: Vec<char> = text.chars().collect();
        let mut at = 0;
        while let Some(character) = characters.get(at) {
            at += 1;
            let item = match character {
                '*' => Item::Any,
                '?' => Item::One,
                '[' => match set(&characters, at) {
                    Some((item, next)) => {
                        at = next;
                        item
                    }
                    None => Item::Character('['),
                },
                other => Item::Character(*other),
            };
            self.items.push(item);
        }
    }

    /// Returns whether all of the text fits.
    pub fn fits(&self, text: &[char]) -> bool {
        // The usual walk with one place to come back to, which takes at most length times length.
        let (mut item, mut at, mut back) = (0, 0, None);
        while at < text.len() {
            let fits = match self.items.get(item) {
                Some(Item::Any) => {
                    back = Some((item, at));
                    item += 1;
                    continue;
                }
                Some(one) => text.get(at).is_some_and(|character| one.fits(*character)),
                None => false,
            };
            if fits {
                (item, at) = (item + 1, at + 1);
            } else if let Some((star, from)) = back {
                back = Some((star, from + 1));
                (item, at) = (star + 1, from + 1);
            } else {
                return false;
            }
        }
        self.items.get(item..).unwrap_or_default().iter().all(|item| matches!(item, Item::Any))
    }
}

impl Item {
    fn fits(&self, character: char) -> bool {
        match self {
            Item::Any | Item::One => true,
            Item::Character(own) => *own == character,
            Item::Set { negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&character)) != *negated
            }
        }
    }
}

fn set(characters: &[char], start: usize) -> Option<(Item, usize)> {
    let negated = matches!(characters.get(start), Some('!' | '^'));
    let first = start + usize::from(negated);
    let end = (first + 1..characters.len()).find(|at| characters.get(*at) == Some(&']'))?;
    let mut ranges = Vec::new();
    let mut at = first;
    while at < end {
        let from = *characters.get(at)?;
        if characters.get(at + 1) == Some(&'-') && at + 2 < end {
            ranges.push((from, *characters.get(at + 2)?));
            at += 3;
        } else {
            ranges.push((from, from));
            at += 1;
        }
    }
    Some((Item::Set { negated, ranges }, end + 1))
}
