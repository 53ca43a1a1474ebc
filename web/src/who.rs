//! Who would answer, in plain words; and which addresses there are to be asked.

use view::PossibleWay;

use crate::model::Model;
use crate::selection::Selection;
use crate::traffic::short_pod;
use crate::words::Lang;

/// How many addresses are proposed.
const TARGETS: usize = 100;

/// Returns the addresses that can be asked, each with what it belongs to: those of Services that lead there from
/// outside, then those within the cluster, then pods'.
pub fn targets(model: &Model) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut nodes: Vec<_> = model.nodes.iter().map(|(name, node)| (node.order, name, node)).collect();
    nodes.sort_by_key(|(order, name, node)| (node.control_plane, *order, (*name).clone()));
    for (key, record) in model.records.iter().filter(|(_, record)| record.kind == "Service") {
        let name = key.strip_prefix("services/").unwrap_or(key);
        // The cluster IP stands first, where there is one.
        for (place, address) in record.addresses.iter().enumerate() {
            match address.strip_prefix(':') {
                Some(port) => found.extend(nodes.iter().take(2).map(|(_, node_name, node)| {
                    (record.system, false, format!("{}:{port}", node.address), format!("{name}, {node_name}"))
                })),
                None if address.contains(':') => {
                    found.push((record.system, place == 0, address.clone(), name.to_owned()));
                }
                None => {}
            }
        }
    }
    found.sort_by_key(|(is_system, is_inside, ..)| (*is_system, *is_inside));
    let mut found: Vec<(String, String)> =
        found.into_iter().map(|(_, _, address, of)| (address, of)).collect();
    let pods = model.pods.iter().filter(|(_, pod)| !pod.ip.is_empty() && !pod.system);
    found.extend(pods.map(|(key, pod)| (format!("{}:80", pod.ip), key.clone())));
    found.truncate(TARGETS);
    found
}

/// Returns the address that is asked at first: the selected Service's or pod's, or else the first of all.
pub fn first_target(model: &Model, selected: Option<&Selection>, known: &[(String, String)]) -> String {
    let of = |name: &str| known.iter().find(|(_, of)| of.split(',').next() == Some(name));
    let own = match selected {
        Some(Selection::Object(key)) => {
            key.strip_prefix("services/").or_else(|| key.strip_prefix("pods/")).and_then(of)
        }
        Some(Selection::Exchange(number)) => {
            let asked = model.answers.iter().find(|(key, _)| key.parse() == Ok(*number));
            return asked.map_or(String::new(), |(_, answer)| answer.to.clone());
        }
        _ => None,
    };
    own.or(known.first()).map_or(String::new(), |(address, _)| address.clone())
}

/// Returns what can't be read of a question.
pub fn problem(what: &str, lang: Lang) -> &'static str {
    match what {
        "from" => lang.pick("Whoever would ask is not there any more.", "묻는 쪽이 지금은 없습니다."),
        "port" => lang.pick("A port is a number from 1 to 65535.", "포트는 1부터 65535까지의 수입니다."),
        _ => lang.pick(
            "Type an IPv4 address and a port, such as 10.96.0.10:53, or a Service and its port, such as web:80.",
            "10.96.0.10:53처럼 IPv4 주소와 포트를, 또는 web:80처럼 서비스와 포트를 입력하세요.",
        ),
    }
}

/// Returns the verdict in one sentence.
pub fn verdict(ways: &[PossibleWay], lang: Lang) -> String {
    let bad = ways.iter().find(|way| way.outcome != "answered");
    let name = |way: &PossibleWay| match way.server.contains('/') {
        true => short_pod(&way.server).to_owned(),
        false => way.server.clone(),
    };
    match (ways, bad) {
        ([], _) => String::new(),
        ([way], None) => {
            let name = name(way);
            lang.pick(format!("{name} would answer."), format!("{name}: 이쪽이 응답합니다."))
        }
        (ways, None) => {
            let shares = ways.iter().map(|way| way.share);
            let (least, most) = (shares.clone().min().unwrap_or(0), shares.max().unwrap_or(0));
            let count = ways.len();
            if most - least < 10 {
                lang.pick(
                    format!("One of {count} would answer, each as likely as the others."),
                    format!("{count}곳 가운데 하나가 응답합니다. 확률은 모두 같습니다."),
                )
            } else {
                lang.pick(
                    format!("One of {count} would answer, not all as likely."),
                    format!("{count}곳 가운데 하나가 응답합니다. 확률은 서로 다릅니다."),
                )
            }
        }
        ([way], Some(_)) => nobody(way, lang),
        (ways, Some(_)) => {
            let lost: u32 = ways.iter().filter(|way| way.outcome != "answered").map(|way| way.share).sum();
            let percent = lost / 10_000;
            lang.pick(
                format!("{percent}% of connections would get no answer."),
                format!("연결의 {percent}%는 응답을 받지 못합니다."),
            )
        }
    }
}

fn nobody(way: &PossibleWay, lang: Lang) -> String {
    let place = way.steps.last().map(|step| step.place.clone()).unwrap_or_default();
    match way.outcome.as_str() {
        "refused" => lang.pick(
            format!("Nobody would answer: refused at {place}."),
            format!("아무도 응답하지 않습니다. {place}에서 거부됩니다."),
        ),
        "unreachable" => lang.pick(
            format!("Nobody would answer: {place} finds no way there."),
            format!("아무도 응답하지 않습니다. {place}에서 가는 길이 없습니다."),
        ),
        _ => lang.pick(
            format!("Nobody would answer: it is lost at {place}, and who asks waits in vain."),
            format!("아무도 응답하지 않습니다. {place}에서 유실되어 묻는 쪽은 하염없이 기다립니다."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::sample;

    fn way(server: &str, share: u32, outcome: &str) -> PossibleWay {
        PossibleWay {
            share,
            outcome: outcome.into(),
            server: server.into(),
            version: 1,
            address: String::new(),
            seen: String::new(),
            steps: sample::way(),
        }
    }

    #[test]
    fn verdicts() {
        let pod = "default/hello-7c9d8f5b5c-9wz2k";
        for (ways, words) in [
            (vec![way(pod, 1_000_000, "answered")], "9wz2k would answer."),
            (
                vec![way(pod, 500_000, "answered"), way("default/b", 500_000, "answered")],
                "One of 2 would answer, each as likely as the others.",
            ),
            (
                vec![way(pod, 700_000, "answered"), way("default/b", 300_000, "answered")],
                "One of 2 would answer, not all as likely.",
            ),
            (
                vec![way(pod, 750_000, "answered"), way("", 250_000, "timeout")],
                "25% of connections would get no answer.",
            ),
            (
                vec![way("", 1_000_000, "refused")],
                "Nobody would answer: refused at default/hello-deployment-7c9d8f5b5c-9wz2k.",
            ),
            (vec![], ""),
        ] {
            assert_eq!(verdict(&ways, Lang::En), words);
            assert_eq!(verdict(&ways, Lang::Ko).is_empty(), words.is_empty());
        }
    }

    #[test]
    fn the_first_address_is_what_is_selected() {
        let model = sample::rollout();
        let known = targets(&model);
        let service = Selection::Object("services/default/hello-deployment-svc".into());
        assert_eq!(first_target(&model, Some(&service), &known), "10.64.140.43:80");
        assert!(known.contains(&("10.96.171.20:80".to_owned(), "default/hello-deployment-svc".to_owned())));
        assert_eq!(first_target(&model, Some(&Selection::Exchange(7)), &known), "10.64.140.43:80");
        assert!(
            known.iter().any(|(address, of)| address.ends_with(":80") && of.starts_with("default/hello"))
        );
        assert_eq!(first_target(&Model::default(), None, &[]), "");
    }
}
