//! Words to rules.

use super::rule::{
    AddressType, ChainName, Condition, Match, Recent, RecentMode, RejectWith, Rule, Sides, Target,
};
use super::values::{
    chain_name, is_narrow, mark_target, network, ports, socket, states, target, value_and_mask,
};
use crate::ipset::Half;
use crate::{Cidr, Protocol};
use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How long a comment may be.
const COMMENT_LENGTH: usize = 256;
/// How many words `--match-set` takes after the name.
const SET_HALVES: usize = 6;
/// How many ports `-m multiport` takes; a range counts twice.
const LISTED_PORTS: usize = 15;
/// 2^31: what the kernel calls a probability of 1.
const CERTAIN: f64 = 2_147_483_648.0;

/// Splits a line into words as iptables-restore does: quotes hold blanks together, a backslash takes
/// the next character as it is.
pub fn split_words(line: &str) -> Vec<String> {
    split(line).into_iter().map(Cow::into_owned).collect()
}

/// Splits a line into words, which are copied only where something is quoted.
pub(super) fn split(line: &str) -> Vec<Cow<'_, str>> {
    if line.contains(['"', '\'', '\\']) {
        return split_quoted(line).into_iter().map(Cow::Owned).collect();
    }
    line.split_whitespace().map(Cow::Borrowed).collect()
}

fn split_quoted(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut is_word = false;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', Some('"') | None) => {
                word.extend(letters.next());
                is_word = true;
            }
            (_, Some(end)) if letter == end => quote = None,
            (_, Some(_)) => word.push(letter),
            ('"' | '\'', None) => {
                quote = Some(letter);
                is_word = true;
            }
            (_, None) if letter.is_whitespace() => {
                if is_word {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            _ => {
                word.push(letter);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

/// Reads a rule: everything after `-A CHAIN`.
///
/// # Errors
/// iptables' own words for what it cannot read.
pub fn parse_rule<S: AsRef<str>>(words: &[S]) -> Result<Rule, String> {
    let mut parser = Parser { words, at: 0, negated: false, rule: Rule::new(), target: None };
    while let Some(word) = parser.take() {
        if word == "!" {
            parser.negated = true;
            continue;
        }
        parser.option(word)?;
        if parser.negated {
            return Err(format!("unexpected ! flag before {word}"));
        }
    }
    parser.finish()
}

struct Parser<'a, S> {
    words: &'a [S],
    at: usize,
    negated: bool,
    rule: Rule,
    target: Option<(String, Target)>,
}

impl<'a, S: AsRef<str>> Parser<'a, S> {
    fn take(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at)?.as_ref();
        self.at += 1;
        Some(word)
    }

    fn value(&mut self, option: &str) -> Result<&'a str, String> {
        // The old place of `!` is after the option.
        match self.take() {
            Some("!") => {
                self.negated = true;
                self.take().ok_or_else(|| format!("option \"{option}\" requires an argument"))
            }
            Some(value) => Ok(value),
            None => Err(format!("option \"{option}\" requires an argument")),
        }
    }

    fn condition<T>(&mut self, value: T) -> Condition<T> {
        Condition { negated: std::mem::take(&mut self.negated), value }
    }

    fn option(&mut self, option: &'a str) -> Result<(), String> {
        match option {
            "-s" | "--source" | "--src" => {
                let value = network(self.value(option)?)?;
                self.rule.source = Some(self.condition(value)).filter(is_narrow);
            }
            "-d" | "--destination" | "--dst" => {
                let value = network(self.value(option)?)?;
                self.rule.destination = Some(self.condition(value)).filter(is_narrow);
            }
            "-i" | "--in-interface" => {
                let value: Rc<str> = self.value(option)?.into();
                self.rule.in_interface = Some(self.condition(value));
            }
            "-o" | "--out-interface" => {
                let value: Rc<str> = self.value(option)?.into();
                self.rule.out_interface = Some(self.condition(value));
            }
            "-p" | "--protocol" | "--proto" => self.protocol(option)?,
            "-m" | "--match" => {
                let name = self.value(option)?;
                self.load_match(name)?;
            }
            "-j" | "--jump" => {
                let name = self.value(option)?;
                self.target = Some((name.to_string(), target(name)?));
            }
            "-g" | "--goto" => {
                let name = self.value(option)?;
                self.target = Some((name.to_string(), Target::Goto(chain_name(name)?)));
            }
            "-c" | "--set-counters" => {
                self.value(option)?;
                self.value(option)?;
            }
            _ if self.target_option(option)? => {}
            _ => self.match_option(option)?,
        }
        Ok(())
    }

    fn protocol(&mut self, option: &str) -> Result<(), String> {
        let text = self.value(option)?;
        if text == "all" || text == "0" {
            return Ok(());
        }
        let protocol =
            Protocol::parse(text).ok_or_else(|| format!("unknown protocol \"{text}\" specified"))?;
        self.rule.protocol = Some(self.condition(protocol));
        Ok(())
    }

    fn load_match(&mut self, name: &str) -> Result<(), String> {
        let missing = Condition { negated: false, value: 0 };
        let one = match name {
            "comment" => Match::Comment("".into()),
            "tcp" | "udp" | "sctp" => Match::Ports {
                protocol: Protocol::parse(name).unwrap_or(Protocol::Tcp),
                source: None,
                destination: None,
            },
            "multiport" => {
                Match::MultiPort(Condition { negated: false, value: (Sides::Destination, Vec::new()) })
            }
            "mark" => Match::Mark(Condition { negated: false, value: (0, 0) }),
            "conntrack" => Match::Conntrack(Condition { negated: false, value: 0 }),
            "addrtype" => Match::AddressType { source: None, destination: None },
            "statistic" => Match::Random(missing),
            "recent" => Match::Recent(Recent {
                mode: Condition { negated: false, value: RecentMode::Check },
                seconds: 0,
                reap: false,
                name: "DEFAULT".into(),
            }),
            "ipvs" => Match::Virtual { protocol: None, server: None, port: None },
            "physdev" => Match::BridgePort(Condition { negated: false, value: () }),
            "set" => Match::Set(Condition { negated: false, value: (ChainName::new(""), Vec::new()) }),
            "nfacct" => Match::Accounting("".into()),
            _ => return Err(format!("Couldn't load match `{name}':No such file or directory\n")),
        };
        self.rule.matches.push(one);
        Ok(())
    }

    fn match_option(&mut self, option: &str) -> Result<(), String> {
        match option {
            "--dport" | "--destination-port" | "--sport" | "--source-port" => self.ports(option),
            "--dports" | "--destination-ports" => self.port_list(option, Sides::Destination),
            "--sports" | "--source-ports" => self.port_list(option, Sides::Source),
            "--ports" => self.port_list(option, Sides::Either),
            "--comment" => self.comment(option),
            "--mark" => {
                let value = value_and_mask(self.value(option)?)?;
                let value = self.condition(value);
                self.last(option, |one| matches!(one, Match::Mark(_)).then(|| *one = Match::Mark(value)))
            }
            "--ctstate" => {
                let states = states(self.value(option)?)?;
                let states = self.condition(states);
                self.last(option, |one| {
                    matches!(one, Match::Conntrack(_)).then(|| *one = Match::Conntrack(states))
                })
            }
            "--match-set" => self.match_set(option),
            "--vproto" | "--vaddr" | "--vport" => self.virtual_server(option),
            "--physdev-is-in" => {
                let is_in = self.condition(());
                self.last(option, |one| {
                    matches!(one, Match::BridgePort(_)).then(|| *one = Match::BridgePort(is_in))
                })
            }
            "--src-type" | "--dst-type" => self.address_type(option),
            "--mode" => match self.value(option)? {
                "random" => Ok(()),
                mode => Err(format!("statistic: Bad mode \"{mode}\"")),
            },
            "--probability" => self.probability(option),
            "--nfacct-name" => {
                let name: Rc<str> = self.value(option)?.into();
                self.last(option, |one| {
                    matches!(one, Match::Accounting(_)).then(|| *one = Match::Accounting(name))
                })
            }
            "--set" | "--rcheck" | "--update" | "--remove" | "--seconds" | "--reap" | "--name"
            | "--rsource" | "--mask" => self.recent(option),
            _ => Err(format!("unknown option \"{option}\"")),
        }
    }

    /// Hands the last match to `change`, which says whether that match knows the option.
    fn last(&mut self, option: &str, change: impl FnOnce(&mut Match) -> Option<()>) -> Result<(), String> {
        let changed = self.rule.matches.last_mut().and_then(change);
        changed.ok_or_else(|| format!("unknown option \"{option}\""))
    }

    fn ports(&mut self, option: &str) -> Result<(), String> {
        let ports = ports(self.value(option)?)?;
        let ports = self.condition(ports);
        let is_ports = |one: &Match| matches!(one, Match::Ports { .. });
        if !self.rule.matches.iter().any(is_ports) {
            let protocol = self.rule.protocol.as_ref().filter(|p| !p.negated).map(|p| p.value);
            let Some(protocol) = protocol.filter(|protocol| *protocol != Protocol::Icmp) else {
                return Err(format!("unknown option \"{option}\""));
            };
            self.rule.matches.push(Match::Ports { protocol, source: None, destination: None });
        }
        if let Some(Match::Ports { source, destination, .. }) =
            self.rule.matches.iter_mut().rev().find(|one| is_ports(one))
        {
            *(if option.contains('d') { destination } else { source }) = Some(ports);
        }
        Ok(())
    }

    // Models iptables extensions/libxt_multiport.c multiport_parse_ports
    fn port_list(&mut self, option: &str, sides: Sides) -> Result<(), String> {
        let list = self.value(option)?.split(',').map(ports).collect::<Result<Vec<_>, _>>()?;
        let size: usize = list.iter().map(|range| if range.first == range.last { 1 } else { 2 }).sum();
        if size > LISTED_PORTS {
            return Err("too many ports specified".to_string());
        }
        let list = self.condition((sides, list));
        self.last(option, |one| matches!(one, Match::MultiPort(_)).then(|| *one = Match::MultiPort(list)))
    }

    fn comment(&mut self, option: &str) -> Result<(), String> {
        let text = self.value(option)?;
        if text.len() >= COMMENT_LENGTH {
            return Err(format!("comment match: --comment must be less than {COMMENT_LENGTH} characters"));
        }
        let text: Rc<str> = text.into();
        self.last(option, |one| matches!(one, Match::Comment(_)).then(|| *one = Match::Comment(text)))
    }

    fn address_type(&mut self, option: &str) -> Result<(), String> {
        let kind = match self.value(option)? {
            "LOCAL" => AddressType::Local,
            "UNICAST" => AddressType::Unicast,
            "BROADCAST" => AddressType::Broadcast,
            "MULTICAST" => AddressType::Multicast,
            other => return Err(format!("addrtype: bad type `{other}'")),
        };
        let kind = self.condition(kind);
        self.last(option, |one| match one {
            Match::AddressType { source, destination } => {
                *(if option == "--src-type" { source } else { destination }) = Some(kind);
                Some(())
            }
            _ => None,
        })
    }

    fn virtual_server(&mut self, option: &str) -> Result<(), String> {
        let text = self.value(option)?;
        let negated = std::mem::take(&mut self.negated);
        let known = Protocol::parse(text).map(|value| Condition { negated, value });
        let number = text.parse().ok().map(|value| Condition { negated, value });
        let address = Cidr::parse(text).map(|value| Condition { negated, value });
        let is_read = match option {
            "--vproto" => known.is_some(),
            "--vaddr" => address.is_some(),
            _ => number.is_some(),
        };
        if !is_read {
            return Err(format!("ipvs: Bad value for \"{option}\" option: \"{text}\""));
        }
        self.last(option, |one| {
            let Match::Virtual { protocol, server, port } = one else { return None };
            match option {
                "--vproto" => *protocol = known,
                "--vaddr" => *server = address,
                _ => *port = number,
            }
            Some(())
        })
    }

    fn match_set(&mut self, option: &str) -> Result<(), String> {
        let name = ChainName::new(self.value(option)?);
        let too_few = || "--match-set requires two args.".to_string();
        let words = self.take().filter(|word| !word.starts_with('-')).ok_or_else(too_few)?;
        // The misspelling is iptables' own.
        let half =
            |word| Half::parse(word).ok_or("You must spefify (the comma separated list of) 'src' or 'dst'.");
        let halves = words.split(',').map(half).collect::<Result<Vec<Half>, _>>()?;
        if halves.len() > SET_HALVES {
            return Err("Can't use more than 6 src/dst elements.".to_string());
        }
        let set = self.condition((name, halves));
        self.last(option, |one| matches!(one, Match::Set(_)).then(|| *one = Match::Set(set)))
    }

    fn probability(&mut self, option: &str) -> Result<(), String> {
        let text = self.value(option)?;
        let bad = || format!("statistic: --probability must be between 0 and 1, not \"{text}\"");
        let probability = text.parse::<f64>().ok().filter(|p| (0.0..=1.0).contains(p)).ok_or_else(bad)?;
        let parts = self.condition((probability * CERTAIN).round() as u32);
        self.last(option, |one| matches!(one, Match::Random(_)).then(|| *one = Match::Random(parts)))
    }

    fn recent(&mut self, option: &str) -> Result<(), String> {
        let text = match option {
            "--seconds" | "--name" | "--mask" => self.value(option)?,
            _ => "",
        };
        let negated = std::mem::take(&mut self.negated);
        let mode = match option {
            "--set" => Some(RecentMode::Set),
            "--rcheck" => Some(RecentMode::Check),
            "--update" => Some(RecentMode::Update),
            "--remove" => Some(RecentMode::Remove),
            _ => None,
        };
        let seconds = match option {
            "--seconds" => Some(text.parse().map_err(|_| format!("recent: bad value \"{text}\""))?),
            _ => None,
        };
        self.last(option, |one| {
            let Match::Recent(recent) = one else { return None };
            if let Some(mode) = mode {
                recent.mode = Condition { negated, value: mode };
            }
            recent.seconds = seconds.unwrap_or(recent.seconds);
            recent.reap |= option == "--reap";
            if option == "--name" {
                recent.name = text.into();
            }
            Some(())
        })
    }

    fn target_option(&mut self, option: &str) -> Result<bool, String> {
        let Some((_, target)) = &self.target else { return Ok(false) };
        let new = match (target.clone(), option) {
            (
                Target::Mark { .. },
                "--set-xmark" | "--set-mark" | "--or-mark" | "--and-mark" | "--xor-mark",
            ) => {
                let text = self.value(option)?;
                mark_target(option, text)?
            }
            (Target::Dnat { .. }, "--to-destination") => {
                let (address, port) = socket(self.value(option)?)?;
                Target::Dnat { address, port }
            }
            (Target::Snat { .. }, "--to-source") => {
                let (address, port) = socket(self.value(option)?)?;
                Target::Snat { address, port }
            }
            (Target::Masquerade { .. }, "--random-fully") => Target::Masquerade { random_fully: true },
            (Target::Reject(_), "--reject-with") => {
                let name = self.value(option)?;
                let with = RejectWith::ALL.iter().find(|(_, known)| *known == name);
                Target::Reject(with.ok_or_else(|| format!("unknown reject type \"{name}\""))?.0)
            }
            _ => return Ok(false),
        };
        if let Some((_, target)) = &mut self.target {
            *target = new;
        }
        Ok(true)
    }

    fn finish(mut self) -> Result<Rule, String> {
        if self.negated {
            return Err("nothing appropriate following !".to_string());
        }
        if let Some((name, target)) = self.target.take() {
            let unset = Ipv4Addr::UNSPECIFIED;
            match target {
                Target::Dnat { address, .. } if address == unset => {
                    return Err(format!("{name}: option \"--to-destination\" must be specified"));
                }
                Target::Snat { address, .. } if address == unset => {
                    return Err(format!("{name}: option \"--to-source\" must be specified"));
                }
                target => self.rule.target = target,
            }
        }
        let is_unset = |name: &ChainName| name.as_str().is_empty();
        if self.rule.sets().any(is_unset) {
            return Err("You must specify `--match-set' with proper arguments".to_string());
        }
        let has_ports = |p: &Condition<Protocol>| !p.negated && p.value != Protocol::Icmp;
        let is_listed = |one: &Match| matches!(one, Match::MultiPort(_));
        if self.rule.matches.iter().any(is_listed) && !self.rule.protocol.as_ref().is_some_and(has_ports) {
            return Err(
                "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'".to_string()
            );
        }
        for one in &self.rule.matches {
            let Match::Ports { protocol, .. } = one else { continue };
            let same = self.rule.protocol.as_ref().is_some_and(|p| !p.negated && p.value == *protocol);
            if !same {
                let name = protocol.name();
                return Err(format!("match `{name}' needs option \"-p {name}\""));
            }
        }
        Ok(self.rule)
    }
}
