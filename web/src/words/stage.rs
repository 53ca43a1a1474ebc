//! The words of the diagram, one table a language.

/// The words of one language. `{}` stands for what is filled in.
#[derive(Debug)]
pub struct StageWords {
    /// Cluster diagram
    pub diagram: &'static str,
    /// revision
    pub revision: &'static str,
    /// rev {}
    pub rev: &'static str,
    /// wants
    pub wants: &'static str,
    /// available
    pub available_n: &'static str,
    /// A Job's pods that succeeded: `{}` of `{}`.
    pub completed_of: &'static str,
    /// {} endpoints
    pub endpoints: &'static str,
    /// 1 endpoint
    pub endpoint: &'static str,
    /// pods
    pub pods: &'static str,
    /// available
    pub available: &'static str,
    /// surge
    pub surge: &'static str,
    /// unavailable
    pub unavailable: &'static str,
    /// last:
    pub last: &'static str,
    /// to
    pub to: &'static str,
    /// {} fits nowhere
    pub fits_nowhere: &'static str,
    /// no IP yet
    pub no_ip: &'static str,
    /// again in {}
    pub again_in: &'static str,
    /// since {}
    pub since: &'static str,
    /// power off
    pub power_off: &'static str,
    /// cut off
    pub cut_off: &'static str,
    /// node network
    pub network: &'static str,
    /// announced here
    pub announced: &'static str,
    /// {} answered
    pub answered: &'static str,
    /// {} answers: {}
    pub answers: &'static str,
    /// {}, {} a second
    pub each_second: &'static str,
    /// curl loop
    pub curl_loop: &'static str,
    /// {} lost
    pub lost: &'static str,
    /// compares what is wanted with what is there, and asks for the difference
    pub first_manager: &'static str,
    /// the only door: everybody reads and writes here
    pub first_api: &'static str,
    /// Nothing of yours yet.
    pub first_nothing: &'static str,
    /// What you apply will appear here first.
    pub first_appear: &'static str,
    /// chooses a node for a pod
    pub first_scheduler: &'static str,
    /// remembers every object
    pub first_etcd: &'static str,
    /// you: kubectl and curl
    pub first_client: &'static str,
    /// kubelet runs the pods that are given to this node; pods will stand here
    pub first_node: &'static str,
    /// writes the rules that route
    pub first_proxy: &'static str,
    /// Requests go up to the API server; watch events come down. Traffic will come from below.
    pub first_wires: &'static str,
    /// Running, not ready
    pub key_unready: &'static str,
    /// answer, by version
    pub key_answer: &'static str,
    /// refused or lost
    pub key_lost: &'static str,
    /// request
    pub key_request: &'static str,
    /// watch
    pub key_watch: &'static str,
    /// ready
    pub pod_ready: &'static str,
    /// not ready
    pub pod_unready: &'static str,
    /// version {}
    pub pod_version: &'static str,
    /// on {}
    pub pod_on: &'static str,
    /// on no node yet
    pub pod_nowhere: &'static str,
    /// acted {} ago
    pub acted_ago: &'static str,
    /// has not acted yet
    pub idle: &'static str,
    /// stopped
    pub stopped: &'static str,
    /// leads
    pub leads: &'static str,
    /// leader {}
    pub leader: &'static str,
    /// electing a leader
    pub electing: &'static str,
    /// no quorum: {} of {}
    pub no_quorum: &'static str,
    /// volume {}
    pub volume: &'static str,
    /// What is at a workload's place: none, pending, starting, ready, ending, done, failed.
    pub slot_states: [&'static str; 7],
}

/// English.
pub(super) static EN: StageWords = StageWords {
    diagram: "Cluster diagram",
    revision: "revision",
    rev: "rev {}",
    wants: "wants",
    available_n: "available",
    completed_of: "completed {} of {}",
    endpoints: "{} endpoints",
    endpoint: "1 endpoint",
    pods: "pods",
    available: "available",
    surge: "surge",
    unavailable: "unavailable",
    last: "last:",
    to: "to",
    fits_nowhere: "{} fits on no node",
    no_ip: "no IP yet",
    again_in: "again in {}",
    since: "since {}",
    power_off: "power off",
    cut_off: "cut off",
    network: "node network",
    announced: "announced here",
    answered: "{} answered",
    answers: "{} answers: {}",
    each_second: "{}, {} a second",
    curl_loop: "curl loop",
    lost: "{} lost",
    first_manager: "compares what is wanted with what is there, and asks for the difference",
    first_api: "the only door: everybody reads and writes here",
    first_nothing: "Nothing of yours yet.",
    first_appear: "What you apply will appear here first.",
    first_scheduler: "chooses a node for a pod",
    first_etcd: "remembers every object",
    first_client: "you: kubectl and curl",
    first_node: "kubelet runs the pods that are given to this node; pods will stand here",
    first_proxy: "writes the rules that route",
    first_wires: "Requests go up to the API server; watch events come down. Traffic will come from below.",
    key_unready: "Running, not ready",
    key_answer: "answer, by version",
    key_lost: "refused or lost",
    key_request: "request",
    key_watch: "watch",
    pod_ready: "ready",
    pod_unready: "not ready",
    pod_version: "version {}",
    pod_on: "on {}",
    pod_nowhere: "on no node yet",
    acted_ago: "acted {} ago",
    idle: "has not acted yet",
    stopped: "stopped",
    leads: "leads",
    leader: "leader {}",
    electing: "electing",
    no_quorum: "no quorum: {} of {}",
    volume: "volume {}",
    slot_states: ["no pod", "pending", "starting", "ready", "ending", "done", "failed"],
};

/// Korean.
pub(super) static KO: StageWords = StageWords {
    diagram: "클러스터 그림",
    revision: "리비전",
    rev: "리비전 {}",
    wants: "목표",
    available_n: "가용",
    completed_of: "완료 {}/{}",
    endpoints: "엔드포인트 {}",
    endpoint: "엔드포인트 1",
    pods: "파드",
    available: "가용",
    surge: "초과 허용",
    unavailable: "부족 허용",
    last: "마지막:",
    to: "→",
    fits_nowhere: "{}: 맞는 노드 없음",
    no_ip: "IP 아직 없음",
    again_in: "{} 뒤 다시",
    since: "{}부터",
    power_off: "전원 꺼짐",
    cut_off: "연결 끊김",
    network: "노드 네트워크",
    announced: "여기서 알림",
    answered: "응답 {}",
    answers: "{}의 응답: {}",
    each_second: "{}, 초당 {}회",
    curl_loop: "curl 반복",
    lost: "유실 {}",
    first_manager: "원하는 상태와 지금 상태를 견주고 차이를 요청합니다",
    first_api: "하나뿐인 문: 모두가 여기서 읽고 씁니다",
    first_nothing: "아직 만든 것이 없습니다.",
    first_appear: "적용한 것은 여기에 먼저 나타납니다.",
    first_scheduler: "파드가 갈 노드를 고릅니다",
    first_etcd: "모든 객체를 기억합니다",
    first_client: "사용자: kubectl과 curl",
    first_node: "kubelet은 이 노드에 배정된 파드를 실행합니다. 파드는 여기에 섭니다",
    first_proxy: "길을 정하는 규칙을 씁니다",
    first_wires: "요청은 API 서버로 올라가고, 감시 이벤트는 내려옵니다. 트래픽은 아래에서 들어옵니다.",
    key_unready: "Running, 준비 안 됨",
    key_answer: "응답, 버전별",
    key_lost: "거부 또는 유실",
    key_request: "요청",
    key_watch: "감시",
    pod_ready: "준비됨",
    pod_unready: "준비 안 됨",
    pod_version: "버전 {}",
    pod_on: "{}에 있음",
    pod_nowhere: "아직 노드 없음",
    acted_ago: "{} 전에 움직임",
    idle: "아직 움직인 적 없음",
    stopped: "멈춤",
    leads: "리더",
    leader: "리더 {}",
    electing: "선출 중",
    no_quorum: "정족수 부족: {}/{}",
    volume: "볼륨 {}",
    slot_states: ["파드 없음", "대기", "시작 중", "준비됨", "끝나는 중", "완료", "실패"],
};
