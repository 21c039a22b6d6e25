//! `--query`: a JMESPath expression for messages that are JSON.

use std::fmt;

use jmespath::ast::{Ast, KeyValuePair};
use jmespath::{DEFAULT_RUNTIME, ErrorReason, Expression, RuntimeError, Variable};
use serde_json::Value;

/// A JMESPath expression.
#[derive(Clone)]
pub(super) struct JsonQuery(Expression<'static>);

impl fmt::Debug for JsonQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsonQuery").field(&self.0.as_str()).finish()
    }
}

impl JsonQuery {
    /// Parses an expression. Functions must exist and have the right number of arguments.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let expression = jmespath::compile(text).map_err(|error| error.to_string())?;
        check_functions(expression.as_ast())?;
        Ok(Self(expression))
    }

    /// The result for a message; `None` if it is null, false or empty, or if the message is not JSON.
    pub(super) fn result(&self, message: &str) -> Option<Value> {
        let result = self.0.search(Variable::from_json(message).ok()?).ok()?;
        serde_json::to_value(&*result).ok().filter(|_| result.is_truthy())
    }
}

/// Calls each function, because JMESPath reports wrong names and numbers of arguments only then. Wrong types depend on the message.
fn check_functions(ast: &Ast) -> Result<(), String> {
    if let Ast::Slice { step: 0, .. } = ast {
        return Err("the step of a slice cannot be 0".to_owned());
    }
    if let Ast::Function { name, .. } = ast {
        let call = Expression::new(name, ast.clone(), &DEFAULT_RUNTIME).search(Variable::Null);
        if let Err(error) = call
            && let ErrorReason::Runtime(reason) = &error.reason
            && !matches!(reason, RuntimeError::InvalidType { .. })
        {
            return Err(format!("{reason} in `{name}()`"));
        }
    }
    children(ast).into_iter().try_for_each(check_functions)
}

fn children(ast: &Ast) -> Vec<&Ast> {
    match ast {
        Ast::Identity { .. } | Ast::Field { .. } | Ast::Index { .. } | Ast::Literal { .. } | Ast::Slice { .. } => {
            Vec::new()
        }
        Ast::Expref { ast, .. } => vec![ast],
        Ast::Flatten { node, .. } | Ast::Not { node, .. } | Ast::ObjectValues { node, .. } => vec![node],
        Ast::Condition { predicate: one, then: other, .. }
        | Ast::Comparison { lhs: one, rhs: other, .. }
        | Ast::Projection { lhs: one, rhs: other, .. }
        | Ast::And { lhs: one, rhs: other, .. }
        | Ast::Or { lhs: one, rhs: other, .. }
        | Ast::Subexpr { lhs: one, rhs: other, .. } => vec![one, other],
        Ast::Function { args: all, .. } | Ast::MultiList { elements: all, .. } => all.iter().collect(),
        Ast::MultiHash { elements, .. } => elements.iter().map(|KeyValuePair { value, .. }| value).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_expression_selects_and_shapes_messages() {
        let message = r#"{"level":"error","msg":"slow","ms":120,"tags":["a","b"],"none":null}"#;
        for (query, result) in [
            ("msg", Some(json!("slow"))),
            ("ms", Some(json!(120))),
            ("tags[0]", Some(json!("a"))),
            ("{level: level, ms: ms}", Some(json!({ "level": "error", "ms": 120 }))),
            ("level == 'error' && msg", Some(json!("slow"))),
            ("level == 'info' && msg", None),
            ("none", None),
            ("missing.member", None),
            ("length(missing)", None),
            ("tags[?@ == 'x']", None),
            ("level == 'error' && none", None),
        ] {
            assert_eq!(JsonQuery::parse(query).expect(query).result(message), result, "{query}");
        }
        assert_eq!(JsonQuery::parse("@").expect("a query").result("not JSON"), None);
    }

    #[test]
    fn wrong_expressions_are_errors() {
        for query in
            ["a ==", "lenght(msg)", "a && length(msg, msg)", "tags[?lenght(@) > `1`]", "{a: lenght(b)}", "a[::0]"]
        {
            assert!(JsonQuery::parse(query).is_err(), "{query}");
        }
    }
}
