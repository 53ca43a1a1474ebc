//! Chains and maps for the page's lists, each element of a map a row of the rule that looks in it.

use super::list::Form;
use super::rule::{Field, Map, Outcome, Rule, Statement, range_text};
use super::set::Type;
use super::{Chain, Nftables, Set, Taken};
use crate::way::{ChainView, Event, RuleView};
use crate::{HostId, Way};
use sim::Time;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many elements of one map are listed.
const ELEMENTS: usize = 1_000;

/// How often packets took a rule: by chain, the rule's place, and the chain it led to.
type Counts = BTreeMap<(String, u32, String), u64>;

/// Counts how often the packets of these ways took each rule on a node. Rules without a counter, as
/// kube-proxy's are, count nothing themselves.
fn counts<'a>(ways: impl Iterator<Item = &'a Way>, node: HostId) -> Counts {
    let mut counts = Counts::new();
    for way in ways {
        let mut is_there = false;
        for event in &way.events {
            match event {
                Event::Place { host, .. } => is_there = *host == node,
                Event::Nft(Taken::Rule { rules, rule, outcome, .. }) if is_there => {
                    let chain = rules.chain.as_str().to_string();
                    let did = rules.get(*rule).map_or("", |rule| rule.did());
                    *counts.entry((chain, *rule, target(outcome.as_ref(), did))).or_default() += 1;
                }
                _ => {}
            }
        }
    }
    counts
}

/// Returns the chain where an outcome leads, or what it does in capitals, as iptables calls its targets.
fn target(outcome: Option<&Rc<Outcome>>, otherwise: &str) -> String {
    match outcome {
        Some(outcome) => match outcome.chain() {
            Some(chain) => chain.as_str().to_string(),
            None => outcome.did().to_uppercase(),
        },
        None => otherwise.to_uppercase(),
    }
}

impl Nftables {
    /// Returns the chains of all tables, oldest first. What a rule counted is what the packets of these ways
    /// took on the node, where it has no counter.
    pub(crate) fn views<'a>(
        &self,
        ways: impl Iterator<Item = &'a Way>,
        node: HostId,
        now: Time,
    ) -> Vec<ChainView> {
        let counts = counts(ways, node);
        let tables = self.sorted_tables();
        let chains = tables.iter().flat_map(|table| {
            table.sorted_chains().into_iter().map(|(name, chain)| (name.as_str(), chain, &table.sets))
        });
        let view = |(name, chain, sets): (&str, &Chain, &BTreeMap<Rc<str>, Rc<Set>>)| {
            let rules = (0..).zip(&chain.rules.rules).flat_map(|(place, rule)| {
                let mut rows = rows(rule, sets, now);
                for row in &mut rows {
                    let key = (name.to_string(), place, row.target.clone());
                    row.packets = match rule.counts() {
                        true => chain.counter(place).packets,
                        false => counts.get(&key).copied().unwrap_or_default(),
                    };
                }
                rows
            });
            ChainView {
                name: name.to_string(),
                policy: chain.base.map_or("", |base| base.policy.as_str()),
                packets: 0,
                rules: rules.collect(),
            }
        };
        chains.map(view).collect()
    }

    /// Returns what `nft list ruleset` prints.
    pub(crate) fn text(&self, now: Time) -> String {
        self.sorted_tables().into_iter().map(|table| table.list(Form::default(), now)).collect()
    }
}

/// A rule's rows: the rule, and where each element of its map leads.
fn rows(rule: &Rule, sets: &BTreeMap<Rc<str>, Rc<Set>>, now: Time) -> Vec<RuleView> {
    let row = |text: String, target: String, is_element: bool, probability: Option<f64>| RuleView {
        text,
        comment: rule.comment().to_string(),
        target,
        is_element,
        probability,
        packets: 0,
        bytes: 0,
    };
    let mut rows = vec![row(rule.text(None), target(rule.outcome(), rule.did()), false, None)];
    for statement in &rule.statements {
        let Statement::Vmap { fields, map } = statement else { continue };
        match map {
            Map::Inline(list) => {
                let kind = fields.first().map_or(Type::Number, |field| field.kind());
                let is_drawn = matches!(fields.first(), Some(Field::Random(_)));
                let share = is_drawn.then(|| 1.0 / list.len() as f64);
                rows.extend(list.iter().map(|(range, outcome)| {
                    let text = format!("{} : {}", range_text(kind, *range), outcome.text());
                    row(text, target(Some(outcome), ""), true, share)
                }));
            }
            Map::Named(name) => {
                let elements = sets.get(name).map_or(Vec::new(), |set| set.texts(now));
                let elements = elements.into_iter().take(ELEMENTS);
                rows.extend(
                    elements.map(|(text, outcome)| row(text, target(outcome.as_ref(), ""), true, None)),
                );
            }
        }
    }
    rows
}
