//! The words of the timeline and of the rules, one table a language.

/// The words of one language. `{}` stands for what is filled in.
#[derive(Debug)]
pub struct TraceWords {
    /// Everything that happens stays here.
    pub timeline_empty: &'static str,
    /// {} answered, {} on its way, {} lost
    pub answers_1: &'static str,
    /// {} answered, {} on their way, {} lost
    pub answers_n: &'static str,
    /// loop: {}
    pub mark_loop: &'static str,
    /// {} → {} pods
    pub pods_change: &'static str,
    /// 1 pod
    pub pods_1: &'static str,
    /// {} pods
    pub pods_n: &'static str,
    /// no controller
    pub bare: &'static str,
    /// and {} more
    pub more: &'static str,
    /// From {} to {}, now {}.
    pub sum_time: &'static str,
    /// {}: {}.
    pub sum_line: &'static str,
    /// Marks, the latest:
    pub sum_marks: &'static str,
    /// failure
    pub failure: &'static str,
    /// from {} to {}
    pub from_to: &'static str,
    /// table
    pub table: &'static str,
    /// as kube-proxy last wrote it at {}
    pub written: &'static str,
    /// kube-proxy has not written it yet
    pub unwritten: &'static str,
    /// packets counted
    pub counted: &'static str,
    /// connections counted
    pub counted_nat: &'static str,
    /// policy {}
    pub policy: &'static str,
    /// first match wins
    pub first_match: &'static str,
    /// No rules.
    pub no_rules: &'static str,
    /// everything
    pub everything: &'static str,
    /// any own address
    pub own_address: &'static str,
    /// from this node
    pub own_source: &'static str,
    /// not from a pod
    pub not_from_pod: &'static str,
    /// from {}
    pub from: &'static str,
    /// not from {}
    pub not_from: &'static str,
    /// to {}
    pub to: &'static str,
    /// marked {}
    pub marked: &'static str,
    /// not marked {}
    pub not_marked: &'static str,
    /// connection {}
    pub state: &'static str,
    /// who was here within {} s
    pub recent: &'static str,
    /// mark {}
    pub mark: &'static str,
    /// take the mark off
    pub unmark: &'static str,
    /// DNAT to {}
    pub dnat: &'static str,
    /// always
    pub always: &'static str,
    /// A bar is a rule's share …
    pub share_note: &'static str,
    /// The tick is the number drawn: …
    pub drawn_note: &'static str,
    /// Plain words here.
    pub plain_here: &'static str,
    /// Show as iptables-save
    pub raw: &'static str,
    /// Show in plain words
    pub plain: &'static str,
    /// Node
    pub node: &'static str,
    /// Table
    pub table_choice: &'static str,
    /// taken by the packet
    pub taken: &'static str,
    /// {} packets
    pub packets: &'static str,
    /// These rules can't be had: the node is gone.
    pub no_node: &'static str,
    /// Then, on the way out
    pub way_out: &'static str,
    /// routing
    pub routing: &'static str,
    /// What packet {} says
    pub packet_says: &'static str,
    /// source
    pub source: &'static str,
    /// destination
    pub destination: &'static str,
    /// arrives at {}
    pub arrives: &'static str,
    /// after step {}, {}
    pub after_step: &'static str,
    /// Other chains of this table
    pub other_chains: &'static str,
    /// kube-proxy has written these rules anew since.
    pub older: &'static str,
}

/// English.
pub(super) static EN: TraceWords = TraceWords {
    timeline_empty: "Everything that happens stays here.",
    answers_1: "{} answered, {} on its way, {} lost",
    answers_n: "{} answered, {} on their way, {} lost",
    mark_loop: "loop: {}",
    pods_change: "{} → {} pods",
    pods_1: "1 pod",
    pods_n: "{} pods",
    bare: "no controller",
    more: "and {} more",
    sum_time: "From {} to {}.",
    sum_line: "{}: {}.",
    sum_marks: "Marks, the latest:",
    failure: "failure",
    from_to: "{} – {}",
    table: "table",
    written: "as kube-proxy last wrote it at {}",
    unwritten: "kube-proxy has not written it yet",
    counted: "packets counted",
    counted_nat: "connections counted",
    policy: "policy {}",
    first_match: "first match wins",
    no_rules: "No rules.",
    everything: "everything",
    own_address: "any own address",
    own_source: "from this node",
    not_from_pod: "not from a pod",
    from: "from {}",
    not_from: "not from {}",
    to: "to {}",
    marked: "marked {}",
    not_marked: "not marked {}",
    state: "connection {}",
    recent: "who was here within {} s",
    mark: "mark {}",
    unmark: "take mark {} off",
    dnat: "DNAT to {}",
    always: "always",
    share_note: "A bar is the rule's share of what passed the rules above it.",
    drawn_note: "The tick is the number drawn. Inside the bar, the rule takes the packet.",
    plain_here: "Plain words here.",
    raw: "Show as iptables-save",
    plain: "Show in plain words",
    node: "Node",
    table_choice: "Table",
    taken: "taken by the packet",
    packets: "{} counted",
    no_node: "There is no such node.",
    way_out: "Then, on the way out",
    routing: "routing",
    packet_says: "What packet {} says",
    source: "source",
    destination: "destination",
    arrives: "arrives at {}",
    after_step: "after step {}, {}",
    other_chains: "Other chains of this table",
    older: "kube-proxy has written these rules anew since.",
};

/// Korean.
pub(super) static KO: TraceWords = TraceWords {
    timeline_empty: "일어난 일은 모두 여기에 남습니다.",
    answers_1: "응답 {}, 가는 중 {}, 유실 {}",
    answers_n: "응답 {}, 가는 중 {}, 유실 {}",
    mark_loop: "반복: {}",
    pods_change: "파드 {} → {}",
    pods_1: "파드 1",
    pods_n: "파드 {}",
    bare: "컨트롤러 없음",
    more: "그 밖에 {}개",
    sum_time: "{}부터 {}까지입니다.",
    sum_line: "{}: {}.",
    sum_marks: "최근 표시:",
    failure: "실패",
    from_to: "{} – {}",
    table: "테이블",
    written: "kube-proxy가 {}에 마지막으로 쓴 내용",
    unwritten: "kube-proxy가 아직 쓰지 않음",
    counted: "패킷 수",
    counted_nat: "연결 수",
    policy: "정책 {}",
    first_match: "처음 맞는 규칙 적용",
    no_rules: "규칙이 없습니다.",
    everything: "모두",
    own_address: "이 노드의 모든 주소",
    own_source: "이 노드에서 옴",
    not_from_pod: "파드에서 오지 않음",
    from: "{}에서 옴",
    not_from: "{}에서 오지 않음",
    to: "{}로 감",
    marked: "{} 표시 있음",
    not_marked: "{} 표시 없음",
    state: "연결 상태 {}",
    recent: "{}초 안에 왔던 쪽",
    mark: "{} 표시",
    unmark: "{} 표시 지움",
    dnat: "{}로 DNAT",
    always: "항상",
    share_note: "막대는 위의 규칙들을 지나온 것 가운데 그 규칙이 가져가는 몫입니다.",
    drawn_note: "눈금은 뽑은 수입니다. 막대 안이면 그 규칙이 패킷을 가져갑니다.",
    plain_here: "쉬운 말로 옮긴 규칙입니다.",
    raw: "iptables-save 그대로 보기",
    plain: "쉬운 말로 보기",
    node: "노드",
    table_choice: "테이블",
    taken: "패킷이 지나간 규칙",
    packets: "{}번 셈",
    no_node: "그런 노드가 없습니다.",
    way_out: "그다음, 나가는 길",
    routing: "라우팅",
    packet_says: "패킷 {}의 내용",
    source: "출발",
    destination: "도착",
    arrives: "{}에 도착할 때",
    after_step: "{}단계 {} 뒤",
    other_chains: "이 테이블의 다른 체인",
    older: "그 뒤에 kube-proxy가 규칙을 새로 썼습니다.",
};
