//! Makes of an expression what the library evaluates: objects' types are maps, Kubernetes' functions are known
//! by names of their own, and everything that could go on for long is charged for.

use super::library::{LEFT, LOOP, MADE, known_as};
use cel::IdedExpr;
use cel::common::ast::operators::CONDITIONAL;
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedEntryExpr, LiteralValue, MapEntryExpr, MapExpr};

/// The types that expressions of mutating policies make, with those of their fields.
// Models staging/src/k8s.io/apiserver/pkg/cel/mutation/typeresolver.go
const TYPES: [&str; 2] = ["Object", "JSONPatch"];

/// Changes an expression so that it can be evaluated.
pub(super) fn shaped(mut expression: IdedExpr) -> IdedExpr {
    shape(&mut expression);
    expression
}

fn shape(at: &mut IdedExpr) {
    match &mut at.expr {
        Expr::Call(call) => {
            shape_call(call);
            if let Some(target) = &mut call.target {
                shape(target);
            }
            let appends = appends(call);
            for (i, arg) in call.args.iter_mut().enumerate() {
                match &mut arg.expr {
                    // What a loop puts into its list is charged for, not the list each time.
                    Expr::List(list) if appends && i == 1 => {
                        for element in &mut list.elements {
                            shape(element);
                            wrap(element, MADE);
                        }
                    }
                    _ => shape(arg),
                }
            }
            if call.func_name == "_+_" && !appends || call.func_name == "format" {
                wrap(at, MADE);
            }
        }
        Expr::Comprehension(comprehension) => {
            shape(&mut comprehension.iter_range);
            wrap(&mut comprehension.iter_range, LOOP);
            guard(&mut comprehension.iter_range);
            shape(&mut comprehension.accu_init);
            shape(&mut comprehension.loop_step);
            shape(&mut comprehension.result);
        }
        Expr::List(list) => list.elements.iter_mut().for_each(shape),
        Expr::Map(map) => map.entries.iter_mut().for_each(shape_entry),
        Expr::Select(select) => shape(&mut select.operand),
        Expr::Struct(made) => {
            made.entries.iter_mut().for_each(shape_entry);
            if TYPES.contains(&made.type_name.split('.').next().unwrap_or("")) {
                let entries = std::mem::take(&mut made.entries).into_iter().map(as_map_entry).collect();
                at.expr = Expr::Map(MapExpr { entries });
            }
        }
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
    }
}

/// Returns whether a call adds to what a loop has gathered.
fn appends(call: &CallExpr) -> bool {
    match call.args.as_slice() {
        [first, second] if call.func_name == "_+_" => {
            matches!(&first.expr, Expr::Ident(name) if name.starts_with('@'))
                && matches!(second.expr, Expr::List(_))
        }
        _ => false,
    }
}

fn shape_call(call: &mut CallExpr) {
    let target = call.target.as_ref().map(|target| match &target.expr {
        Expr::Ident(name) => name.clone(),
        _ => String::new(),
    });
    let Some((name, takes_target)) = known_as(&call.func_name, target.as_deref(), target.is_some()) else {
        return;
    };
    call.func_name = name;
    let target = call.target.take();
    if let Some(target) = target.filter(|_| takes_target) {
        call.args.insert(0, *target);
    }
}

fn shape_entry(entry: &mut IdedEntryExpr) {
    match &mut entry.expr {
        EntryExpr::StructField(field) => shape(&mut field.value),
        EntryExpr::MapEntry(entry) => {
            shape(&mut entry.key);
            shape(&mut entry.value);
        }
    }
}

fn as_map_entry(entry: IdedEntryExpr) -> IdedEntryExpr {
    let IdedEntryExpr { id, expr } = entry;
    let expr = match expr {
        EntryExpr::StructField(field) => {
            let key = Expr::Literal(LiteralValue::String(field.field.into()));
            let key = IdedExpr { id, expr: key };
            EntryExpr::MapEntry(MapEntryExpr { key, value: field.value, optional: field.optional })
        }
        entry => entry,
    };
    IdedEntryExpr { id, expr }
}

/// Lets an expression be evaluated only where something is left to spend.
fn guard(at: &mut IdedExpr) {
    let inner = std::mem::take(at);
    let id = inner.id;
    let call = |name: &str, args| {
        let expr = Expr::Call(CallExpr { func_name: name.to_string(), target: None, args });
        IdedExpr { id, expr }
    };
    let nothing = IdedExpr { id, expr: Expr::Literal(LiteralValue::Null) };
    *at = call(CONDITIONAL, vec![call(LEFT, Vec::new()), inner, nothing]);
}

/// Puts an expression into a call.
fn wrap(at: &mut IdedExpr, function: &str) {
    let inner = std::mem::take(at);
    let id = inner.id;
    let call = CallExpr { func_name: function.to_string(), target: None, args: vec![inner] };
    *at = IdedExpr { id, expr: Expr::Call(call) };
}
