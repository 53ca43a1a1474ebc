use crate::{CoreDns, LISTENS, manifests};
use api::resources::{ENDPOINTSLICES, NAMESPACES, SERVICES};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use network::dns::{DnsQuestion, RecordData, RecordType};
use network::{Answer, HttpRequest, Payload, Socket};
use sim::Time;
use std::collections::BTreeMap;

fn server() -> Server {
    let mut server = Server::default();
    let now = Time::EPOCH;
    server.put(now, NAMESPACES, tree!({"metadata": {"name": "default"}}));
    let services = [
        tree!({"metadata": {"name": "web"}, "spec": {"type": "ClusterIP", "clusterIP": "10.96.1.1",
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}}),
        tree!({"metadata": {"name": "db"}, "spec": {"type": "ClusterIP", "clusterIP": "None",
            "ports": [{"name": "sql", "port": 3306, "protocol": "TCP"}]}}),
        tree!({"metadata": {"name": "empty"}, "spec": {"type": "ClusterIP", "clusterIP": "None"}}),
        tree!({"metadata": {"name": "out"}, "spec": {"type": "ExternalName", "externalName": "api.example.com"}}),
        tree!({"metadata": {"name": "near"}, "spec": {"type": "ExternalName",
            "externalName": "web.default.svc.cluster.local"}}),
        tree!({"metadata": {"name": "far"}, "spec": {"type": "ExternalName", "externalName": "nowhere.test"}}),
    ];
    for mut service in services {
        service.set(&["metadata", "namespace"], "default");
        server.put(now, SERVICES, service);
    }
    let slice = tree!({
        "metadata": {"namespace": "default", "name": "db-x", "labels": {"kubernetes.io/service-name": "db"}},
        "addressType": "IPv4",
        "ports": [{"name": "sql", "port": 3306, "protocol": "TCP"}],
        "endpoints": [
            {"addresses": ["10.244.1.5"], "hostname": "db-0", "conditions": {"ready": true}},
            {"addresses": ["10.244.2.6"], "conditions": {"ready": true}},
            {"addresses": ["10.244.3.7"], "hostname": "db-2", "conditions": {"ready": false}},
        ],
    });
    server.put(now, ENDPOINTSLICES, slice);
    server
}

fn dns() -> CoreDns {
    let upstream = BTreeMap::from([("api.example.com".into(), [93, 184, 216, 34].into())]);
    Bench::new(CoreDns::new("coredns-1", upstream), server()).component
}

fn told(data: &RecordData) -> String {
    match data {
        RecordData::A(address) => address.to_string(),
        RecordData::Cname(name) => format!("CNAME {name}"),
        RecordData::Ptr(name) => format!("PTR {name}"),
        RecordData::Txt(text) => format!("TXT {text}"),
        RecordData::Soa(text) => format!("SOA {text}"),
        RecordData::Srv { priority, weight, port, target } => {
            format!("SRV {priority} {weight} {port} {target}")
        }
    }
}

#[test]
fn names_have_their_records() {
    use RecordType::{A, Aaaa, Ptr, Srv, Txt};
    for (kind, name, answer) in [
        (A, "web.default.svc.cluster.local", "NOERROR 10.96.1.1"),
        (A, "WEB.default.SVC.cluster.local.", "NOERROR 10.96.1.1"),
        (Aaaa, "web.default.svc.cluster.local", "NOERROR"),
        (A, "web.other.svc.cluster.local", "NXDOMAIN"),
        (A, "nobody.default.svc.cluster.local", "NXDOMAIN"),
        (A, "web.default.cluster.local", "NXDOMAIN"),
        (A, "web", "NXDOMAIN"),
        (A, "default.svc.cluster.local", "NOERROR"),
        (A, "other.svc.cluster.local", "NXDOMAIN"),
        (A, "cluster.local", "NOERROR"),
        (A, "db.default.svc.cluster.local", "NOERROR 10.244.1.5, 10.244.2.6"),
        (A, "db-0.db.default.svc.cluster.local", "NOERROR 10.244.1.5"),
        (A, "10-244-2-6.db.default.svc.cluster.local", "NOERROR 10.244.2.6"),
        (A, "db-2.db.default.svc.cluster.local", "NXDOMAIN"),
        (A, "empty.default.svc.cluster.local", "NXDOMAIN"),
        (A, "out.default.svc.cluster.local", "NOERROR CNAME api.example.com, 93.184.216.34"),
        (A, "near.default.svc.cluster.local", "NOERROR CNAME web.default.svc.cluster.local, 10.96.1.1"),
        (A, "far.default.svc.cluster.local", "NOERROR CNAME nowhere.test"),
        (A, "10-244-1-5.default.pod.cluster.local", "NOERROR 10.244.1.5"),
        (A, "10-244-1-5.other.pod.cluster.local", "NXDOMAIN"),
        (A, "not-an-address.default.pod.cluster.local", "NXDOMAIN"),
        (
            Srv,
            "_http._tcp.web.default.svc.cluster.local",
            "NOERROR SRV 0 100 80 web.default.svc.cluster.local + 10.96.1.1",
        ),
        (Srv, "_http._udp.web.default.svc.cluster.local", "NXDOMAIN"),
        (
            Srv,
            "_sql._tcp.db.default.svc.cluster.local",
            "NOERROR SRV 0 50 3306 db-0.db.default.svc.cluster.local, SRV 0 50 3306 10-244-2-6.db.default.svc.cluster.local + 10.244.1.5, 10.244.2.6",
        ),
        (Ptr, "1.1.96.10.in-addr.arpa", "NOERROR PTR web.default.svc.cluster.local"),
        (Ptr, "5.1.244.10.in-addr.arpa", "NOERROR PTR db-0.db.default.svc.cluster.local"),
        (Ptr, "9.9.9.9.in-addr.arpa", "NXDOMAIN"),
        (Txt, "dns-version.cluster.local", "NOERROR TXT 1.1.0"),
        (A, "api.example.com", "NOERROR 93.184.216.34"),
        (A, "www.example.org", "NXDOMAIN"),
    ] {
        let got = dns().answer(&DnsQuestion { name: name.into(), kind });
        let list = |records: &[network::dns::DnsRecord]| {
            records.iter().map(|record| told(&record.data)).collect::<Vec<_>>().join(", ")
        };
        let mut text = got.code.name().to_string();
        if !got.records.is_empty() {
            text += &format!(" {}", list(&got.records));
        }
        if !got.additional.is_empty() {
            text += &format!(" + {}", list(&got.additional));
        }
        assert_eq!(text, answer, "{name}");
    }
}

#[test]
fn addresses_are_turned_round() {
    let mut dns = dns();
    let question = DnsQuestion { name: "db.default.svc.cluster.local".into(), kind: RecordType::A };
    let mut first = || dns.answer(&question).addresses().next().unwrap().to_string();
    assert_eq!([first(), first(), first()], ["10.244.1.5", "10.244.2.6", "10.244.1.5"]);
    let question = DnsQuestion { name: "out.default.svc.cluster.local".into(), kind: RecordType::A };
    let answer = dns.answer(&question);
    assert_eq!(answer.records[0].data.kind(), RecordType::Cname);
}

#[test]
fn is_ready_once_it_knows_the_cluster() {
    let get = |path| Payload::Http(HttpRequest::get("10.244.1.2", path));
    let status = |answer: Option<Answer>| match answer {
        Some(Answer::Http(response)) => response.status,
        _ => 0,
    };
    let mut cold = CoreDns::new("coredns-1", BTreeMap::new());
    assert_eq!(status(cold.serve(Socket::default(), 8_080, &get("/health"))), 200);
    assert_eq!(status(cold.serve(Socket::default(), 8_181, &get("/ready"))), 503);
    let question = DnsQuestion { name: "web.default.svc.cluster.local".into(), kind: RecordType::A };
    assert_eq!(cold.answer(&question).code.name(), "SERVFAIL");
    assert_eq!(status(dns().serve(Socket::default(), 8_181, &get("/ready"))), 200);
    assert_eq!(status(dns().serve(Socket::default(), 9_153, &get("/nothing"))), 404);
    assert_eq!(dns().serve(Socket::default(), 53, &get("/")).map(|answer| status(Some(answer))), Some(404));
}

#[test]
fn the_manifests_fit_the_server() {
    let objects = manifests([10, 96, 0, 10].into());
    let of_kind = |kind: &str| objects.iter().find(|object| object["kind"].str() == kind).unwrap();
    assert_eq!(of_kind("Service")["spec"]["clusterIP"].str(), "10.96.0.10");
    let deployment = of_kind("Deployment");
    assert_eq!(meta::key(deployment).as_ref(), "kube-system/coredns");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert!(container["image"].str().starts_with(crate::IMAGE));
    let ports: Vec<i64> =
        container["ports"].items().iter().map(|port: &Value| port["containerPort"].int()).collect();
    assert!(
        ports.iter().all(|port| LISTENS.iter().any(|(_, listens)| i64::from(*listens) == *port)),
        "{ports:?}"
    );
    assert_eq!(ports.len(), LISTENS.len());
}

#[test]
fn answers_follow_the_corefile() {
    let corefile = "\
.:53 {
    log
    hosts {
        10.1.2.3 printer.home
        fallthrough
    }
    rewrite name suffix .shop.local .default.svc.cluster.local
    kubernetes cluster.local in-addr.arpa {
        pods disabled
        ttl 7
    }
    forward . /etc/resolv.conf
}
stub.local:53 {
    forward . 10.150.0.1
}
alone.local:53 {
    errors
}
";
    let mut dns = dns();
    dns.start(Time::EPOCH, corefile).unwrap();
    assert_eq!(
        dns.take_log(),
        [".:53", "stub.local:53", "alone.local:53", "CoreDNS-1.13.1", "linux/amd64, go1.25.2, 1db4568"]
    );
    for (name, told) in [
        ("printer.home", "NOERROR printer.home 3600"),
        ("web.shop.local", "NOERROR web.shop.local 7"),
        ("web.default.svc.cluster.local", "NOERROR web.default.svc.cluster.local 7"),
        ("10-244-1-5.default.pod.cluster.local", "NXDOMAIN"),
        ("api.example.com", "NOERROR api.example.com 7"),
        ("a.stub.local", "SERVFAIL"),
        ("a.alone.local", "REFUSED"),
    ] {
        let question = DnsQuestion { name: name.into(), kind: RecordType::A };
        let answer = dns.answer(&question);
        let records = answer.records.iter().map(|record| format!(" {} {}", record.name, record.ttl_seconds));
        assert_eq!(format!("{}{}", answer.code.name(), records.collect::<String>()), told, "{name}");
    }
    let question = DnsQuestion { name: "web.default.svc.cluster.local".into(), kind: RecordType::A };
    dns.serve(Socket::new([10, 244, 1, 5].into(), 40_000), 53, &Payload::Dns(question));
    let log = dns.take_log();
    assert!(log[0].starts_with("[INFO] 10.244.1.5:40000 - "), "{log:?}");
    assert!(
        log[0].contains("\"A IN web.default.svc.cluster.local. udp 47 false 512\" NOERROR qr,aa,rd"),
        "{log:?}"
    );
    // What can't be read is said, and changes nothing; what can does.
    dns.reload(".:53 {\n  magic\n}\n");
    assert!(dns.take_log()[1].ends_with("Corefile:2 - Error during parsing: Unknown directive 'magic'"));
    dns.reload(".:53 {\n  kubernetes cluster.local\n}\n");
    assert_eq!(dns.take_log().len(), 3);
    let question = DnsQuestion { name: "printer.home".into(), kind: RecordType::A };
    assert_eq!(dns.answer(&question).code.name(), "REFUSED");
    assert!(CoreDns::new("x", BTreeMap::new()).start(Time::EPOCH, "{").is_err());
}
