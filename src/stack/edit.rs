//! Changes numbers in the text of an `ecsws.toml` and leaves everything else, comments and order included, as it is.

use toml_edit::{DocumentMut, Item, Table, TableLike, value};

/// The numbers of a service's count or autoscaling; what is `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scaling {
    /// `count`.
    pub count: Option<u32>,
    /// `autoscaling.min`.
    pub min: Option<u32>,
    /// `autoscaling.max`.
    pub max: Option<u32>,
    /// `autoscaling.cpu.target`, in percent.
    pub cpu: Option<u32>,
    /// `autoscaling.memory.target`, in percent.
    pub memory: Option<u32>,
}

/// The text with these numbers for the service `key`. Whether they make sense together is for [`Spec::parse`](super::Spec::parse) to say.
///
/// # Errors
/// A sentence, when the text has no such service.
pub fn edit_scaling(text: &str, key: &str, scaling: &Scaling) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    let service =
        document.get_mut("services").and_then(|services| services.get_mut(key)).and_then(Item::as_table_like_mut);
    let service = service.ok_or_else(|| format!("there is no [services.{key}]"))?;
    let Scaling { count, min, max, cpu, memory } = *scaling;
    set(service, "count", count);
    if [min, max, cpu, memory].iter().any(Option::is_some) {
        // Autoscaling owns the count: one in the template would be set again by every deploy.
        service.remove("count");
        let autoscaling = table(service, "autoscaling", Item::Table(Table::new()));
        set(autoscaling, "min", min);
        set(autoscaling, "max", max);
        for (metric, target) in [("cpu", cpu), ("memory", memory)] {
            if target.is_some() {
                set(table(autoscaling, metric, Item::Value(toml_edit::InlineTable::new().into())), "target", target);
            }
        }
    }
    Ok(document.to_string())
}

fn table<'a>(parent: &'a mut dyn TableLike, key: &str, new: Item) -> &'a mut dyn TableLike {
    let item = parent.entry(key).or_insert(new);
    if !item.is_table_like() {
        *item = Item::Table(Table::new());
    }
    item.as_table_like_mut().expect("it was made a table just above")
}

/// Keeps the comment behind a number that is replaced.
fn set(table: &mut dyn TableLike, key: &str, number: Option<u32>) {
    let Some(number) = number else { return };
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = i64::from(number).into();
            *old.decor_mut() = decor;
        }
        None => drop(table.insert(key, value(i64::from(number)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# mine\n[services.api]\ncpu = 256 # small\ncount = 1   # for now\n\n[services.api.container]\nimage = \"a\"\n";

    #[test]
    fn a_count_changes_and_its_comment_stays() {
        let text = edit_scaling(TEXT, "api", &Scaling { count: Some(3), ..Scaling::default() });
        assert_eq!(text.as_deref(), Ok(TEXT.replace("count = 1 ", "count = 3 ").as_str()));
    }

    #[test]
    fn autoscaling_is_added_where_there_was_none() {
        let scaling = Scaling { min: Some(1), max: Some(4), cpu: Some(50), ..Scaling::default() };
        let text = edit_scaling(TEXT, "api", &scaling).unwrap_or_default();
        assert!(text.starts_with(&TEXT.replace("count = 1   # for now\n", "")), "{text}");
        assert!(text.ends_with("[services.api.autoscaling]\nmin = 1\nmax = 4\ncpu = { target = 50 }\n"), "{text}");
    }

    #[test]
    fn inline_and_dotted_tables_are_edited_in_place() {
        let text = "services.api = { cpu = 256, autoscaling = { min = 1, max = 2, cpu = { target = 50, scale_in_cooldown = \"30s\" } } }\n";
        let edited = edit_scaling(text, "api", &Scaling { max: Some(9), cpu: Some(70), ..Scaling::default() });
        assert_eq!(edited, Ok(text.replace("max = 2", "max = 9").replace("target = 50", "target = 70")));
    }

    #[test]
    fn a_service_that_is_not_there_is_an_error() {
        assert_eq!(edit_scaling(TEXT, "web", &Scaling::default()), Err("there is no [services.web]".to_owned()));
    }
}
