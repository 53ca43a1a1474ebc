//! `kubectl api-resources` and `kubectl api-versions`
// Models staging/src/k8s.io/kubectl/pkg/cmd/apiresources

use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error, usage};
use crate::mapper::{self, Mapping};
use crate::tabs::TabWriter;

/// Runs `kubectl api-resources`.
pub(crate) fn resources(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if !flags.args.is_empty() {
        return usage("api-resources", format!("unexpected arguments: [{}]", flags.args.join(" ")));
    }
    let output = flags.text("output");
    if !matches!(output, "" | "wide" | "name") {
        return error(format!(
            "unable to match a printer suitable for the output format \"{output}\", allowed formats are: json,name,wide,yaml"
        ));
    }
    let mut all: Vec<Mapping> = Vec::new();
    for mapping in mapper::all(cx)? {
        mapper::add_preferred(&mut all, mapping);
    }
    if flags.changed("api-group") {
        all.retain(|mapping| mapping.group == flags.text("api-group"));
    }
    if flags.changed("namespaced") {
        all.retain(|mapping| mapping.namespaced == flags.is("namespaced"));
    }
    let verbs = flags.list("verbs");
    all.retain(|mapping| verbs.iter().all(|verb| mapping.verbs.contains(verb)));
    let categories = flags.list("categories");
    all.retain(|mapping| categories.iter().all(|category| mapping.categories.contains(category)));
    match flags.text("sort-by") {
        "" => all.sort_by(|a, b| (&a.group, &a.plural).cmp(&(&b.group, &b.plural))),
        "name" => all.sort_by(|a, b| a.plural.cmp(&b.plural)),
        "kind" => all.sort_by(|a, b| a.kind.cmp(&b.kind)),
        _ => return error("--sort-by accepts only name or kind"),
    }
    let mut writer = TabWriter::tables();
    if !flags.is("no-headers") && output != "name" {
        let more = if output == "wide" { "\tVERBS\tCATEGORIES" } else { "" };
        writer.write(&format!("NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND{more}\n"));
    }
    for mapping in &all {
        writer.write(&row(mapping, output));
    }
    cx.out(writer.flush());
    Ok(Next::Done)
}

fn row(mapping: &Mapping, output: &str) -> String {
    if output == "name" {
        return format!("{}\n", mapping.group_resource());
    }
    let mut row = format!(
        "{}\t{}\t{}\t{}\t{}",
        mapping.plural,
        mapping.short_names.join(","),
        mapping.api_version(),
        mapping.namespaced,
        mapping.kind
    );
    if output == "wide" {
        row.push_str(&format!("\t{}\t{}", mapping.verbs.join(","), mapping.categories.join(",")));
    }
    row.push('\n');
    row
}

/// Runs `kubectl api-versions`.
pub(crate) fn versions(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    if !flags.args.is_empty() {
        return usage("api-versions", format!("unexpected arguments: [{}]", flags.args.join(" ")));
    }
    let mut versions: Vec<String> = mapper::all(cx)?.iter().map(Mapping::api_version).collect();
    versions.sort();
    versions.dedup();
    for version in versions {
        cx.line(version);
    }
    Ok(Next::Done)
}
