use super::super::identity::administrator;
use super::*;

fn ask(method: Method, path: &str, query: &[(&str, &str)], body: &str) -> Ask {
    let credential = Credential::User(administrator());
    Ask {
        method,
        path: path.to_string(),
        query: query.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        accept: Accept::Object,
        patch: PatchType::Merge,
        claim: Claim { credential, acting_as: None },
        agent: "test".to_string(),
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
        form: Form::Json,
        reply: oneshot::channel().0,
    }
}

/// A watch that is never read from keeps so many events and so many bytes and no more, loses its stream
/// when it has stalled, and costs another watch nothing.
#[test]
fn who_never_reads_keeps_a_bounded_queue() {
    const MAPS: &str = "/api/v1/namespaces/default/configmaps";
    let preset = Preset::named("bare").unwrap();
    let mut simulation = Simulation::new(&preset, 1, 1.0, b"key", watch::channel(BTreeSet::new()).0);
    let made = simulation.answer(ask(Method::Post, MAPS, &[], r#"{"metadata": {"name": "busy"}}"#));
    assert_eq!(made.code, 201, "{}", made.text);
    let watching = [("watch", "true"), ("fieldSelector", "metadata.name=busy")];
    let (stalled, kept) = simulation.answer(ask(Method::Get, MAPS, &watching, "")).stream.unwrap();
    let (reading, mut read) = simulation.answer(ask(Method::Get, MAPS, &watching, "")).stream.unwrap();
    let filler = "x".repeat(2_000);
    let (mut most_pieces, mut most_bytes, mut most_backlog, mut taken) = (0, 0, 0, 0);
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let writes = BACKLOG + 2_000;
    for i in 0..writes {
        let patch = format!(r#"{{"data": {{"n": "{i}", "filler": "{filler}"}}}}"#);
        let told = simulation.answer(ask(Method::Patch, &format!("{MAPS}/busy"), &[], &patch));
        assert_eq!(told.code, 200, "{}", told.text);
        let soon = simulation.cluster.now() + 50 * sim::MILLISECOND;
        simulation.cluster.run_until(soon);
        simulation.pour();
        while let Poll::Ready(Some(_)) = read.poll(&mut cx) {
            taken += 1;
        }
        let Some(outlet) = simulation.outlets.get(&stalled) else { continue };
        most_pieces = most_pieces.max(PIECES - outlet.pieces.capacity());
        most_bytes = most_bytes.max(outlet.waiting.load(Ordering::Relaxed));
        most_backlog = most_backlog.max(simulation.cluster.waiting_in(stalled));
        // As after five seconds without a read.
        if most_backlog == BACKLOG / 2
            && let Some(outlet) = simulation.outlets.get_mut(&stalled)
        {
            outlet.read_at = outlet.read_at.checked_sub(STALLED).unwrap();
        }
    }
    assert!(most_pieces <= PIECES && most_pieces > 100, "{most_pieces} pieces");
    assert!(
        (WAITING_BYTES / 2..WAITING_BYTES + 2 * filler.len()).contains(&most_bytes),
        "{most_bytes} bytes"
    );
    assert!((BACKLOG..BACKLOG + 8).contains(&most_backlog), "{most_backlog} events");
    assert!(!simulation.outlets.contains_key(&stalled), "its stream has ended");
    assert_eq!(simulation.cluster.waiting_in(stalled), 0, "nothing is kept for it");
    assert!(simulation.outlets.contains_key(&reading), "the other goes on");
    assert!(taken >= writes, "{taken} of {writes} events");
    drop(kept);
}
