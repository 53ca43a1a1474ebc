//! A packet's way in plain words, for the inspector.

use view::{AnswerRow, PacketStep, TriedRule};

use crate::rules::read::read;
use crate::words::{Lang, josa};

/// The least probability that is a certainty, in millionths.
const ALWAYS: u32 = 1_000_000;

/// A die that a service chain's rule throws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Die {
    /// The endpoint's address.
    pub endpoint: String,
    /// The rule's share, in percent of the bar.
    pub share: u32,
    /// The number drawn, in percent of the bar; none for the last rule, which takes all.
    pub drawn: Option<u32>,
    /// `0.71 ≥ 0.333`, or "always".
    pub words: String,
    /// Whether the rule took the packet.
    pub taken: bool,
}

/// Returns the heading under which a step stands: the place, and the hook if there is one.
pub fn heading(step: &PacketStep) -> (&str, &str) {
    (&step.place, &step.hook)
}

/// Returns whether a step begins a new group: it is at another place, or in another hook.
pub fn begins_group(before: Option<&PacketStep>, step: &PacketStep) -> bool {
    before
        .is_none_or(|before| before.place != step.place || !step.hook.is_empty() && before.hook != step.hook)
}

/// Returns what a step did, in plain words.
pub fn say(step: &PacketStep, lang: Lang) -> String {
    let detail = step.detail.as_str();
    match step.what.as_str() {
        "arp" => arp(detail, lang),
        "match" => matched(step, lang),
        "mark" => marked(&step.chain, lang).to_owned(),
        "dnat" => "DNAT".to_owned(),
        "snat" => "SNAT".to_owned(),
        "masquerade" => "MASQUERADE".to_owned(),
        "accept" => lang.pick("ACCEPT: it may pass", "ACCEPT: 지나갑니다").to_owned(),
        "drop" => lang.pick("DROP: it ends here", "DROP: 여기서 끝납니다").to_owned(),
        "reject" | "closed" | "unreachable" => {
            let how = if detail.is_empty() { step.what.as_str() } else { detail };
            lang.pick(format!("refused here ({how})"), format!("여기서 거부됨 ({how})"))
        }
        "route" => route(detail, lang),
        "deliver" => {
            let to = if detail.is_empty() { &step.destination_after } else { detail };
            lang.pick(format!("delivered to {to}"), format!("{to}에 전달됨"))
        }
        "conntrack" => lang
            .pick(
                "a connection that conntrack knows: translated as before",
                "conntrack이 아는 연결: 전과 같이 바꿉니다",
            )
            .to_owned(),
        "tracked" => lang
            .pick(
                "conntrack keeps the connection, there and back:",
                "conntrack이 연결을 기억합니다. 가는 쪽과 오는 쪽:",
            )
            .to_owned(),
        "schedule" => lang.pick(
            format!("this virtual server chooses by {detail}: {}", step.destination_after),
            format!("이 가상 서버가 {detail} 방식으로 고름: {}", step.destination_after),
        ),
        "wrapped" => lang.pick(
            format!("VXLAN: put into a packet of UDP, {detail}"),
            format!("VXLAN: UDP 패킷에 넣음, {detail}"),
        ),
        "unwrapped" => lang.pick(
            format!("VXLAN: taken out of the packet of UDP, {detail}"),
            format!("VXLAN: UDP 패킷에서 꺼냄, {detail}"),
        ),
        "expired" => {
            lang.pick("not passed on: its time to live is over", "넘기지 않음: TTL이 다했습니다").to_owned()
        }
        "lost" => lang.pick(format!("lost here ({detail})"), format!("여기서 유실됨 ({detail})")),
        other => format!("{other} {detail}").trim().to_owned(),
    }
}

/// Why a chain marks a packet, to have its source rewritten.
fn marked(chain: &str, lang: Lang) -> &'static str {
    match chain.split('-').nth(1) {
        Some("EXT") => lang.pick("from outside, so mark 0x4000", "밖에서 왔으므로 0x4000 표시"),
        Some("SVC") => lang.pick("not from a pod, so mark 0x4000", "파드에서 오지 않았으므로 0x4000 표시"),
        Some("SEP") => {
            lang.pick("to the pod that asks, so mark 0x4000", "물은 파드 자신에게 가므로 0x4000 표시")
        }
        _ => lang
            .pick("its source is to be rewritten, so mark 0x4000", "출발 주소를 바꿔야 하므로 0x4000 표시"),
    }
}

fn arp(detail: &str, lang: Lang) -> String {
    match detail.split_once(' ') {
        Some((address, owner)) => lang.pick(
            format!("ARP: who has {address}? {owner} replies."),
            format!("ARP: {} 누구? {} 답합니다.", josa(address, "은", "는"), josa(owner, "이", "가")),
        ),
        None => lang.pick(
            format!("ARP: who has {detail}? Nobody replies."),
            format!("ARP: {} 누구? 아무도 답하지 않습니다.", josa(detail, "은", "는")),
        ),
    }
}

fn route(detail: &str, lang: Lang) -> String {
    match detail {
        "local" => lang.pick("route: to this machine itself", "경로: 이 머신 자신").to_owned(),
        "pod" => lang.pick("route: to a pod on this node", "경로: 이 노드의 파드").to_owned(),
        _ if detail.starts_with("overlay ") => {
            let address = detail.trim_start_matches("overlay ");
            lang.pick(
                format!("route: over the overlay (flannel.1) to {address}"),
                format!("경로: 오버레이(flannel.1)로 {address}까지"),
            )
        }
        "gateway" => lang.pick("route: by the default gateway", "경로: 기본 게이트웨이").to_owned(),
        address => lang.pick(format!("route: via {address}"), format!("경로: {address} 경유")),
    }
}

fn matched(step: &PacketStep, lang: Lang) -> String {
    step.tried.last().map_or(String::new(), |rule| read(&rule.text).condition(lang.traces()))
}

/// Returns which of how many rules matched: "rule 2 of 5"; none for steps without rules.
pub fn rule_of(step: &PacketStep, lang: Lang) -> Option<String> {
    let number = step.tried.last().filter(|rule| rule.matched)?.number;
    (step.chain_length > 0).then(|| {
        let length = step.chain_length;
        lang.pick(format!("rule {number} of {length}"), format!("{length}개 중 {number}번 규칙"))
    })
}

/// Returns the dice of a service chain's step; none for other steps.
pub fn dice(step: &PacketStep, lang: Lang) -> Vec<Die> {
    if step.tried.iter().all(|rule| rule.endpoint.is_empty()) {
        return Vec::new();
    }
    step.tried.iter().map(|rule| die(rule, lang)).collect()
}

fn die(rule: &TriedRule, lang: Lang) -> Die {
    let (share, drawn) = match rule.dice {
        Some((share, drawn)) => (share, Some(drawn)),
        None => (ALWAYS, None),
    };
    let decimal = |millionths: u32, places: usize| format!("{:.places$}", f64::from(millionths) / 1e6);
    let words = match drawn {
        None => lang.pick("always", "항상").to_owned(),
        Some(drawn) => {
            let sign = if rule.matched { "<" } else { "≥" };
            format!("{} {sign} {}", decimal(drawn, 2), decimal(share, 3))
        }
    };
    Die {
        endpoint: rule.endpoint.clone(),
        share: share / 10_000,
        drawn: drawn.map(|drawn| drawn / 10_000),
        words,
        taken: rule.matched,
    }
}

/// Returns whether a step changed the source and the destination.
pub fn changes(step: &PacketStep) -> (bool, bool) {
    (step.source != step.source_after, step.destination != step.destination_after)
}

/// Returns whether a step's addresses are shown: they changed, or it is a way's first or last.
pub fn shows_addresses(steps: &[PacketStep], index: usize) -> bool {
    let changed = steps.get(index).is_some_and(|step| changes(step) != (false, false));
    changed || index == 0 || index + 1 == steps.len()
}

/// What a packet's way comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// What is so.
    pub fact: String,
    /// Why.
    pub why: String,
    /// The field that would change it, if there is one.
    pub field: &'static str,
    /// What the field would do.
    pub would: &'static str,
}

/// Returns whether a step of this kind is where a packet is refused or lost.
pub fn ends_badly(what: &str) -> bool {
    matches!(what, "reject" | "drop" | "lost" | "closed" | "unreachable")
}

/// Returns the one sentence of consequence.
pub fn consequence(steps: &[PacketStep], answer: Option<&AnswerRow>, lang: Lang) -> Option<Consequence> {
    let said = |fact: String, why: String| Some(Consequence { fact, why, field: "", would: "" });
    if let Some(end) = steps.iter().find(|step| ends_badly(&step.what)) {
        let fact = lang.pick(format!("It ended at {}.", end.place), format!("{}에서 끝났습니다.", end.place));
        if !end.policies.is_empty() {
            let names: Vec<&str> = end.policies.iter().filter_map(|key| key.rsplit('/').next()).collect();
            let names = names.join(", ");
            let why = lang.pick(
                format!("NetworkPolicy {names} selects the pod and permits nothing like it."),
                format!("파드를 고른 NetworkPolicy {names}에 이것을 허용하는 규칙이 없습니다."),
            );
            return said(fact, why);
        }
        return said(fact, say(end, lang));
    }
    let masquerade = steps.iter().position(|step| step.what == "masquerade");
    let translated = steps.iter().any(|step| step.what == "dnat");
    let itself = steps.iter().any(|step| step.chain.starts_with("KUBE-SEP-") && step.what == "mark");
    let outside = steps.iter().any(|step| step.chain.starts_with("KUBE-EXT-"));
    match (masquerade, answer) {
        (Some(at), _) if itself => {
            let place = steps.get(at).map(|step| step.place.as_str()).unwrap_or_default();
            said(
                lang.pick("The pod asked itself.", "파드가 자신에게 물었습니다.").to_owned(),
                lang.pick(
                    format!("Step {} wrote {place}'s address over its own: else the answer would not come back through {place}, where the destination is put back.", at + 1),
                    format!("{}단계가 출발 주소를 {place}의 것으로 바꿨습니다. 그러지 않으면 응답이 {} 거치지 않아, 도착 주소를 되돌릴 수 없습니다.", at + 1, josa(place, "을", "를")),
                ),
            )
        }
        (Some(at), _) => {
            let place = steps.get(at).map(|step| step.place.as_str()).unwrap_or_default();
            let number = at + 1;
            Some(Consequence {
                fact: lang.pick(
                    format!("The pod sees {place}, not the one who asked."),
                    format!("파드에게 보이는 것은 물은 쪽이 아니라 {place}입니다."),
                ),
                why: lang.pick(
                    format!("Step {number} wrote {place}'s address over it, so that the answer returns through {place}."),
                    format!("{number}단계가 출발 주소를 {place}의 것으로 바꿨습니다. 그래야 응답이 {} 거쳐 돌아옵니다.", josa(place, "을", "를")),
                ),
                field: if outside { "externalTrafficPolicy: Local" } else { "" },
                would: if outside { lang.pick(" would keep it.", "이면 그대로 남습니다.") } else { "" },
            })
        }
        (None, Some(_)) if translated => said(
            lang.pick("The pod sees who really asked.", "파드는 실제로 물은 쪽을 봅니다.").to_owned(),
            lang.pick(
                "Only the destination was rewritten, to the pod's own address.",
                "도착 주소만 파드의 주소로 바뀌었습니다.",
            )
            .to_owned(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(what: &str, detail: &str) -> PacketStep {
        let text = str::to_owned;
        PacketStep {
            place: text("node-2"),
            hook: text("nat PREROUTING"),
            chain: text("KUBE-SERVICES"),
            what: text(what),
            detail: text(detail),
            tried: Vec::new(),
            tried_count: 0,
            chain_length: 0,
            service: String::new(),
            slice: String::new(),
            policies: Vec::new(),
            source: text("10.64.140.2:51844"),
            destination: text("10.64.140.43:80"),
            source_after: text("10.64.140.2:51844"),
            destination_after: text("10.64.140.43:80"),
            at: 0,
        }
    }

    fn rule(number: u32, text: &str, matched: bool, dice: Option<(u32, u32)>, endpoint: &str) -> TriedRule {
        TriedRule { number, text: text.to_owned(), matched, dice, endpoint: endpoint.to_owned() }
    }

    #[test]
    fn every_step_has_words() {
        for (what, detail, words) in [
            ("arp", "10.64.140.43 node-2", "ARP: who has 10.64.140.43? node-2 replies."),
            ("arp", "10.64.140.43", "ARP: who has 10.64.140.43? Nobody replies."),
            ("route", "10.64.140.13", "route: via 10.64.140.13"),
            ("route", "pod", "route: to a pod on this node"),
            ("lost", "no route", "lost here (no route)"),
            ("closed", "", "refused here (closed)"),
            ("schedule", "rr", "this virtual server chooses by rr: 10.64.140.43:80"),
            ("route", "overlay 10.64.140.13", "route: over the overlay (flannel.1) to 10.64.140.13"),
            ("wrapped", "a → b", "VXLAN: put into a packet of UDP, a → b"),
            ("unwrapped", "a → b", "VXLAN: taken out of the packet of UDP, a → b"),
            ("novel", "thing", "novel thing"),
        ] {
            assert_eq!(say(&step(what, detail), Lang::En), words);
            assert!(!say(&step(what, detail), Lang::Ko).is_empty());
        }
    }

    #[test]
    fn a_match_names_its_rule() {
        let text =
            r#"-d 10.64.140.43/32 -p tcp -m comment --comment "default/x" -m tcp --dport 80 -j KUBE-EXT-X"#;
        let tried = vec![rule(7, text, true, None, "")];
        let one = PacketStep { tried, tried_count: 7, chain_length: 8, ..step("match", "") };
        assert_eq!(say(&one, Lang::En), "10.64.140.43:80");
        assert_eq!(rule_of(&one, Lang::En).as_deref(), Some("rule 7 of 8"));
        assert_eq!(rule_of(&one, Lang::Ko).as_deref(), Some("8개 중 7번 규칙"));
    }

    #[test]
    fn dice_tell_share_and_draw() {
        let tried = vec![
            rule(1, "", false, Some((333_333, 710_000)), "10.244.1.5:8080"),
            rule(2, "", true, None, "10.244.3.6:8080"),
        ];
        let dice = dice(&PacketStep { tried, ..step("match", "") }, Lang::En);
        assert_eq!((dice[0].share, dice[0].drawn, dice[0].words.as_str()), (33, Some(71), "0.71 ≥ 0.333"));
        assert_eq!((dice[1].share, dice[1].taken, dice[1].words.as_str()), (100, true, "always"));
        assert!(super::dice(&step("match", ""), Lang::En).is_empty());
    }

    #[test]
    fn consequences() {
        let masked =
            consequence(&[step("arp", ""), step("masquerade", "")], None, Lang::En).expect("there is one");
        assert_eq!(masked.fact, "The pod sees node-2, not the one who asked.");
        assert!(masked.why.starts_with("Step 2 wrote"));
        let refused =
            consequence(&[step("reject", "icmp-port-unreachable")], None, Lang::En).expect("there is one");
        assert_eq!((refused.fact.as_str(), refused.field), ("It ended at node-2.", ""));
        assert_eq!(consequence(&[], None, Lang::En), None);
        let policies = vec!["networkpolicies/default/db".to_owned()];
        let refused = consequence(&[PacketStep { policies, ..step("reject", "") }], None, Lang::En).unwrap();
        assert_eq!(refused.why, "NetworkPolicy db selects the pod and permits nothing like it.");
    }

    #[test]
    fn groups_by_place_and_hook() {
        let (a, b) = (step("match", ""), PacketStep { hook: String::new(), ..step("route", "") });
        assert!(begins_group(None, &a) && !begins_group(Some(&a), &a) && !begins_group(Some(&a), &b));
        assert!(begins_group(Some(&a), &PacketStep { place: "node-3".into(), ..b }));
    }
}
