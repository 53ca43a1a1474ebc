//! What each level forbids.
// Models staging/src/k8s.io/pod-security-admission/policy

use super::Level;
use api::Value;

/// One thing that isn't allowed.
pub(super) struct Violation {
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

/// Returns what of a pod's spec a level forbids, in upstream's order. Left out: AppArmor, SELinux, probes of
/// other hosts, and Windows.
// Models staging/src/k8s.io/pod-security-admission/policy/registry.go EvaluatePod
pub(super) fn violations(spec: &Value, level: Level) -> Vec<Violation> {
    type Check = fn(&Value) -> Option<Violation>;
    let restricted = level == Level::Restricted;
    let baseline: [(Check, bool); 8] = [
        (baseline_capabilities, !restricted),
        (host_namespaces, true),
        (host_paths, true),
        (host_ports, true),
        (privileged, true),
        (proc_mount, true),
        (unconfined, !restricted),
        (sysctls, true),
    ];
    let strict: [Check; 6] = [
        escalation,
        restricted_capabilities,
        restricted_volumes,
        run_as_non_root,
        run_as_root,
        restricted_seccomp,
    ];
    let mut found = Vec::new();
    if level >= Level::Baseline {
        found.extend(baseline.iter().filter(|(_, applies)| *applies).filter_map(|(check, _)| check(spec)));
    }
    if restricted {
        found.extend(strict.iter().filter_map(|check| check(spec)));
    }
    found
}

fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(|list| spec[list].items())
}

/// Returns the names of the containers that a test finds.
fn named(spec: &Value, is_bad: impl Fn(&Value) -> bool) -> Vec<String> {
    let bad = containers(spec).filter(|container| is_bad(&container["securityContext"]));
    bad.map(|container| container["name"].str().to_string()).collect()
}

fn quoted<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().map(|name| format!("{:?}", name.as_ref())).collect::<Vec<_>>().join(", ")
}

fn plural<'a>(one: &'a str, several: &'a str, count: usize) -> &'a str {
    if count == 1 { one } else { several }
}

/// Returns `container "a"` or `containers "a", "b"`.
fn named_containers(names: &[String]) -> String {
    format!("{} {}", plural("container", "containers", names.len()), quoted(names))
}

fn about(reason: &'static str, names: &[String], rest: &str) -> Option<Violation> {
    let detail = format!("{} {rest}", named_containers(names));
    (!names.is_empty()).then_some(Violation { reason, detail })
}

fn of_details(reason: &'static str, details: &[String]) -> Option<Violation> {
    (!details.is_empty()).then(|| Violation { reason, detail: details.join("; ") })
}

fn host_namespaces(spec: &Value) -> Option<Violation> {
    let fields = ["hostNetwork", "hostPID", "hostIPC"];
    let used = fields.iter().filter(|field| spec[**field].is_true());
    let used: Vec<String> = used.map(|field| format!("{field}=true")).collect();
    (!used.is_empty()).then(|| Violation { reason: "host namespaces", detail: used.join(", ") })
}

fn host_paths(spec: &Value) -> Option<Violation> {
    let volumes = spec["volumes"].items().iter().filter(|volume| !volume["hostPath"].is_null());
    let names: Vec<String> = volumes.map(|volume| volume["name"].str().to_string()).collect();
    let detail = format!("{} {}", plural("volume", "volumes", names.len()), quoted(&names));
    (!names.is_empty()).then_some(Violation { reason: "hostPath volumes", detail })
}

fn host_ports(spec: &Value) -> Option<Violation> {
    let (mut names, mut ports): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for container in containers(spec) {
        let used = container["ports"].items().iter().filter(|port| port["hostPort"].int() != 0);
        let used: Vec<String> = used.map(|port| port["hostPort"].int().to_string()).collect();
        if !used.is_empty() {
            names.push(container["name"].str().to_string());
            ports.extend(used);
        }
    }
    ports.sort();
    ports.dedup();
    let detail = format!(
        "{} {} {} {}",
        named_containers(&names),
        plural("uses", "use", names.len()),
        plural("hostPort", "hostPorts", ports.len()),
        ports.join(", ")
    );
    (!names.is_empty()).then_some(Violation { reason: "hostPort", detail })
}

fn privileged(spec: &Value) -> Option<Violation> {
    let names = named(spec, |context| context["privileged"].is_true());
    about("privileged", &names, "must not set securityContext.privileged=true")
}

fn proc_mount(spec: &Value) -> Option<Violation> {
    let names = named(spec, |context| !matches!(context["procMount"].str(), "" | "Default"));
    about("procMount", &names, "must not set securityContext.procMount to \"Unmasked\"")
}

/// Returns the containers that add what isn't allowed, and what it is.
fn added(spec: &Value, allowed: &[&str]) -> (Vec<String>, Vec<String>) {
    let forbidden = |context: &Value| -> Vec<String> {
        let all = context["capabilities"]["add"].items().iter();
        all.filter(|name| !allowed.contains(&name.str()))
            .map(Value::text)
            .map(|text| text.to_string())
            .collect()
    };
    let names = named(spec, |context| !forbidden(context).is_empty());
    let mut what: Vec<String> =
        containers(spec).flat_map(|container| forbidden(&container["securityContext"])).collect();
    what.sort();
    what.dedup();
    (names, what)
}

fn baseline_capabilities(spec: &Value) -> Option<Violation> {
    const ALLOWED: [&str; 13] = [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ];
    let (names, what) = added(spec, &ALLOWED);
    let rest = format!("must not include {} in securityContext.capabilities.add", quoted(&what));
    about("non-default capabilities", &names, &rest)
}

fn restricted_capabilities(spec: &Value) -> Option<Violation> {
    let keeps =
        |context: &Value| !context["capabilities"]["drop"].items().iter().any(|name| name.str() == "ALL");
    let mut details = Vec::new();
    let missing = named(spec, keeps);
    if !missing.is_empty() {
        let names = named_containers(&missing);
        details.push(format!("{names} must set securityContext.capabilities.drop=[\"ALL\"]"));
    }
    let (names, what) = added(spec, &["NET_BIND_SERVICE"]);
    if !names.is_empty() {
        let names = named_containers(&names);
        details
            .push(format!("{names} must not include {} in securityContext.capabilities.add", quoted(&what)));
    }
    of_details("unrestricted capabilities", &details)
}

fn sysctls(spec: &Value) -> Option<Violation> {
    const ALLOWED: [&str; 10] = [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_syncookies",
    ];
    let all = spec["securityContext"]["sysctls"].items().iter();
    let bad: Vec<&str> =
        all.map(|sysctl| sysctl["name"].str()).filter(|name| !ALLOWED.contains(name)).collect();
    (!bad.is_empty()).then(|| Violation { reason: "forbidden sysctls", detail: bad.join(", ") })
}

fn escalation(spec: &Value) -> Option<Violation> {
    let names = named(spec, |context| context["allowPrivilegeEscalation"].as_bool() != Some(false));
    about(
        "allowPrivilegeEscalation != false",
        &names,
        "must set securityContext.allowPrivilegeEscalation=false",
    )
}

fn restricted_volumes(spec: &Value) -> Option<Violation> {
    const ALLOWED: [&str; 9] = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    let (mut names, mut kinds): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for volume in spec["volumes"].items() {
        let source = volume.fields().iter().map(|(field, _)| field).find(|field| *field != "name");
        if let Some(kind) = source.filter(|kind| !ALLOWED.contains(kind)) {
            names.push(volume["name"].str().to_string());
            kinds.push(kind.to_string());
        }
    }
    kinds.sort();
    kinds.dedup();
    let detail = format!(
        "{} {} {} restricted volume {} {}",
        plural("volume", "volumes", names.len()),
        quoted(&names),
        plural("uses", "use", names.len()),
        plural("type", "types", kinds.len()),
        quoted(&kinds)
    );
    (!names.is_empty()).then_some(Violation { reason: "restricted volume types", detail })
}

fn run_as_non_root(spec: &Value) -> Option<Violation> {
    let pod = spec["securityContext"]["runAsNonRoot"].as_bool();
    let refusing = named(spec, |context| context["runAsNonRoot"].as_bool() == Some(false));
    let silent = named(spec, |context| context["runAsNonRoot"].is_null());
    let mut bad: Vec<String> = Vec::new();
    if pod == Some(false) && !silent.is_empty() {
        bad.push("pod".to_string());
    }
    if !refusing.is_empty() {
        bad.push(named_containers(&refusing));
    }
    let mut details = Vec::new();
    if !bad.is_empty() {
        details.push(format!("{} must not set securityContext.runAsNonRoot=false", bad.join(" and ")));
    } else if pod.is_none() && !silent.is_empty() {
        let names = named_containers(&silent);
        details.push(format!("pod or {names} must set securityContext.runAsNonRoot=true"));
    }
    of_details("runAsNonRoot != true", &details)
}

fn run_as_root(spec: &Value) -> Option<Violation> {
    let mut bad: Vec<String> = Vec::new();
    if spec["securityContext"]["runAsUser"].as_int() == Some(0) {
        bad.push("pod".to_string());
    }
    let names = named(spec, |context| context["runAsUser"].as_int() == Some(0));
    if !names.is_empty() {
        bad.push(named_containers(&names));
    }
    let detail = format!("{} must not set runAsUser=0", bad.join(" and "));
    (!bad.is_empty()).then_some(Violation { reason: "runAsUser=0", detail })
}

fn seccomp(context: &Value) -> &str {
    context["seccompProfile"]["type"].str()
}

fn is_confined(profile: &str) -> bool {
    matches!(profile, "RuntimeDefault" | "Localhost")
}

/// Returns who sets a profile that isn't allowed.
fn bad_seccomp(spec: &Value) -> Vec<String> {
    let is_bad = |context: &Value| !seccomp(context).is_empty() && !is_confined(seccomp(context));
    let mut bad: Vec<String> = Vec::new();
    if is_bad(&spec["securityContext"]) {
        bad.push("pod".to_string());
    }
    let names = named(spec, is_bad);
    if !names.is_empty() {
        bad.push(named_containers(&names));
    }
    bad
}

fn unconfined(spec: &Value) -> Option<Violation> {
    let bad = bad_seccomp(spec);
    let detail =
        format!("{} must not set securityContext.seccompProfile.type to \"Unconfined\"", bad.join(" and "));
    (!bad.is_empty()).then_some(Violation { reason: "seccompProfile", detail })
}

fn restricted_seccomp(spec: &Value) -> Option<Violation> {
    let set = is_confined(seccomp(&spec["securityContext"]));
    let silent = named(spec, |context| seccomp(context).is_empty() && !set);
    if !bad_seccomp(spec).is_empty() {
        return unconfined(spec);
    }
    let names = named_containers(&silent);
    let detail = format!(
        "pod or {names} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\""
    );
    (!silent.is_empty()).then_some(Violation { reason: "seccompProfile", detail })
}
