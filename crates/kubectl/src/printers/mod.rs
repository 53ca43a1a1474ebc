//! How objects are printed.

pub(crate) mod columns;
mod kyaml;
pub(crate) mod sort;
pub(crate) mod table;

use crate::cx::{Cx, DryRun};
use crate::failure::{Outcome, error};
use crate::template::Template;
use crate::text::{go_syntax, json_pretty, quote};
use api::jsonpath::JsonPath;
use api::{Value, meta, tree};
use columns::Columns;

/// A way of printing objects.
#[derive(Clone, Debug)]
pub(crate) enum Printer {
    /// `pod/web`, with what was done unless that is empty: `pod/web created`.
    Name(String),
    /// YAML.
    Yaml,
    /// YAML in braces.
    Kyaml,
    /// JSON.
    Json,
    /// A JSONPath template; its text, and whether results are printed as JSON.
    JsonPath(Box<JsonPath>, String, bool),
    /// A Go template; its text.
    Template(Box<Template>, String),
    /// Chosen columns.
    Columns(Box<Columns>),
}

/// The formats of commands that print what they did.
const FORMATS: &str = "go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,yaml";
/// The formats of `get`.
const ALL_FORMATS: &str = "custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,wide,yaml";

/// Returns the printer that `-o` asks for; `None` where nothing is asked for (or `wide`).
///
/// # Errors
/// The formats there are, or why a template can't be read.
pub(crate) fn wanted(cx: &mut Cx, all: bool) -> Outcome<Option<Printer>> {
    let flags = cx.args();
    let output = flags.text("output").to_string();
    let template = flags.text("template").to_string();
    let (format, rest) = match output.split_once('=') {
        Some((format, rest)) => (format.to_string(), rest.to_string()),
        None => (output.clone(), template.clone()),
    };
    let printer = match format.as_str() {
        "" if template.is_empty() => return Ok(None),
        "" | "go-template" | "template" => go_template(&format, &rest)?,
        "wide" if all => return Ok(None),
        "yaml" => Printer::Yaml,
        "kyaml" => Printer::Kyaml,
        "json" => Printer::Json,
        "name" => Printer::Name(String::new()),
        "jsonpath" | "jsonpath-as-json" => json_path(cx, &format, &rest)?,
        "jsonpath-file" | "go-template-file" | "templatefile" => {
            let text = match cx.host.read_file(&rest) {
                Ok(text) => text,
                Err(why) => return error(format!("error reading --template {rest}, open {rest}: {why}\n")),
            };
            if format == "jsonpath-file" {
                json_path(cx, "jsonpath", &text)?
            } else {
                go_template(&format, &text)?
            }
        }
        "custom-columns" if all => Printer::Columns(Box::new(Columns::from_spec(&rest)?)),
        "custom-columns-file" if all => match cx.host.read_file(&rest) {
            Ok(text) => Printer::Columns(Box::new(Columns::from_template(&text)?)),
            Err(why) => return error(format!("error reading template {rest}, open {rest}: {why}")),
        },
        _ => {
            return error(format!(
                "unable to match a printer suitable for the output format {}, allowed formats are: {}",
                quote(&output),
                if all { ALL_FORMATS } else { FORMATS }
            ));
        }
    };
    Ok(Some(printer))
}

fn json_path(cx: &mut Cx, format: &str, template: &str) -> Outcome<Printer> {
    if template.is_empty() {
        return error("template format specified but no template given");
    }
    match JsonPath::new(template) {
        Ok(mut path) => {
            path.allow_missing = cx.flags.is("allow-missing-template-keys");
            Ok(Printer::JsonPath(Box::new(path), template.to_string(), format == "jsonpath-as-json"))
        }
        Err(why) => error(format!("error parsing jsonpath {template}, {why}")),
    }
}

fn go_template(_format: &str, template: &str) -> Outcome<Printer> {
    if template.is_empty() {
        return error("template format specified but no template given");
    }
    match Template::new(template) {
        Ok(read) => Ok(Printer::Template(Box::new(read), template.to_string())),
        Err(why) => error(format!("error parsing template {template}, {why}")),
    }
}

impl Printer {
    /// Prints an object, or a list of them.
    ///
    /// # Errors
    /// Why a template can't be executed.
    pub fn print(&self, object: &Value) -> Outcome<String> {
        match self {
            Printer::Name(operation) => Ok(names(object, operation)),
            Printer::Yaml => Ok(api::yaml::print(object)),
            Printer::Kyaml => Ok(kyaml::print(object)),
            Printer::Json => Ok(format!("{}\n", json_pretty(object))),
            Printer::JsonPath(path, template, as_json) => {
                let printed = if *as_json {
                    path.find(object).map(|found| {
                        found
                            .into_iter()
                            .map(|results| format!("{}\n", json_pretty(&results.into())))
                            .collect()
                    })
                } else {
                    path.print(object)
                };
                printed.or_else(|why| {
                    error(format!(
                        "error executing jsonpath {}: Error executing template: {why}. Printing more \
                         information for debugging the template:\n\ttemplate was:\n\t\t{template}\n\tobject \
                         given to jsonpath engine was:\n\t\t{}\n\n\n",
                        quote(template),
                        go_syntax(object)
                    ))
                })
            }
            Printer::Template(read, template) => read.print(object).or_else(|why| {
                error(format!("error executing template {}: template: output:1: {why}", quote(template)))
            }),
            Printer::Columns(columns) => columns.print(object),
        }
    }
}

/// Returns `pod/web created`.
// Models staging/src/k8s.io/cli-runtime/pkg/printers/name.go PrintObj
fn names(object: &Value, operation: &str) -> String {
    if let Some(items) = object.get("items").and_then(Value::as_list) {
        return items.iter().map(|item| names(item, operation)).collect();
    }
    let kind = object["kind"].str();
    let group = object["apiVersion"].str().split_once('/').map_or("", |(group, _)| group);
    let name = match meta::name(object) {
        "" => "<unknown>",
        name => name,
    };
    let operation = if operation.is_empty() { String::new() } else { format!(" {operation}") };
    if kind.is_empty() {
        return format!("<unknown>/{name}{operation}\n");
    }
    let dot = if group.is_empty() { "" } else { "." };
    format!("{}{dot}{group}/{name}{operation}\n", kind.to_lowercase())
}

impl Printer {
    /// Returns an object as this prints it: YAML and JSON leave out who set which field, unless
    /// `--show-managed-fields` asks for it.
    // Models staging/src/k8s.io/cli-runtime/pkg/genericclioptions/json_yaml_flags.go ToPrinter
    pub fn shown(&self, cx: &Cx, object: &Value) -> Value {
        let leaves_out = matches!(self, Printer::Yaml | Printer::Kyaml | Printer::Json);
        if leaves_out && !cx.flags.is("show-managed-fields") {
            without_managed_fields(object)
        } else {
            object.clone()
        }
    }
}

/// Takes out of an object, or of a list's items, who set which field.
// Models staging/src/k8s.io/cli-runtime/pkg/printers/managedfields.go omitManagedFields
pub(crate) fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    object.remove(&["metadata", "managedFields"]);
    if !object["items"].items().is_empty() {
        for item in object.at_mut(&["items"]).list_mut() {
            item.remove(&["metadata", "managedFields"]);
        }
    }
    object
}

/// Makes the list that several objects are printed as.
pub(crate) fn list_of(objects: Vec<Value>) -> Value {
    tree!({"apiVersion": "v1", "items": (objects), "kind": "List", "metadata": {"resourceVersion": ""}})
}

/// Prints an object that a command made or changed: `pod/web created`, or what `-o` asks for.
// Models staging/src/k8s.io/cli-runtime/pkg/genericclioptions/print_flags.go ToPrinter
pub(crate) fn print_result(cx: &mut Cx, object: &Value, operation: &str, dry_run: DryRun) -> Outcome {
    let printer = match wanted(cx, false)? {
        Some(Printer::Name(_)) => Printer::Name(String::new()),
        Some(printer) => printer,
        None => Printer::Name(match dry_run {
            DryRun::None => operation.to_string(),
            DryRun::Client => format!("{operation} (dry run)"),
            DryRun::Server => format!("{operation} (server dry run)"),
        }),
    };
    let text = printer.print(&printer.shown(cx, object))?;
    cx.out(text);
    Ok(())
}
