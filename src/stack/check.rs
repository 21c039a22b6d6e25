//! Rules for single values: what AWS (or the CDK) accepts, and the words for what it refuses. They know nothing of where a value stands.

use toml::de::DeValue;

use super::problem::Mistake;
use super::reader::{Checked, kind, listed};

/// The characters and length that AWS accepts for one kind of name.
pub struct Pattern {
    /// The name's kind with its article, for messages.
    what: &'static str,
    /// What it is made of, in words.
    made_of: &'static str,
    /// Accepted punctuation, besides letters and digits.
    punctuation: &'static str,
    /// What the first character may be.
    first: First,
    /// Longest accepted, in characters.
    longest: usize,
}

enum First {
    Any,
    Letter,
}

macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident = $what:literal, $made_of:literal, $punctuation:literal, $first:ident, $longest:literal;)*) => {
        $($(#[$doc])* pub const $name: Pattern =
            Pattern { what: $what, made_of: $made_of, punctuation: $punctuation, first: First::$first, longest: $longest };)*
    };
}

patterns! {
    /// CloudFormation's rule.
    STACK_NAME = "a stack name", "letters, digits and hyphens", "-", Letter, 128;
    /// Ours: a key is a word on the command line.
    SERVICE_KEY = "a service key", "letters, digits, hyphens and underscores", "-_", Any, 100;
    /// ECS.
    SERVICE_NAME = "a service name", "letters, digits, hyphens and underscores", "-_", Any, 255;
    /// ECS.
    CLUSTER_NAME = "a cluster name", "letters, digits, hyphens and underscores", "-_", Any, 255;
    /// ECS.
    CONTAINER_NAME = "a container name", "letters, digits, hyphens and underscores", "-_", Any, 255;
    /// ECS.
    IMAGE = "an image", "letters, digits and . _ - : / @ #", "._-:/@#", Any, 255;
    /// Cloud Map; the labels are checked apart.
    DISCOVERY_NAME = "a Cloud Map service name", "letters, digits, hyphens, underscores and dots", "-_.", Any, 127;
    /// Cloud Map; the labels are checked apart.
    NAMESPACE_NAME = "a namespace name", "letters, digits, hyphens, underscores and dots", "-_.", Any, 253;
    /// CloudFormation.
    EXPORT_NAME = "an export name", "letters, digits, colons and hyphens", ":-", Any, 255;
    /// CloudWatch Logs.
    LOG_GROUP_NAME = "a log group name", "letters, digits and . _ - / #", "._-/#", Any, 512;
    /// Secrets Manager.
    SECRET_NAME = "a secret's name", "letters, digits and / _ + = . @ -", "/_+=.@-", Any, 512;
    /// Systems Manager.
    PARAMETER_NAME = "a parameter's name", "letters, digits and . _ - /", "._-/", Any, 1011;
    /// Tags of every service.
    TAG_KEY = "a tag key", "letters, digits, spaces and _ . : / = + - @", " _.:/=+-@", Any, 128;
    /// Tags of every service.
    TAG_VALUE = "a tag value", "letters, digits, spaces and _ . : / = + - @", " _.:/=+-@", Any, 256;
}

impl Pattern {
    /// Whether `text` follows the pattern.
    pub fn check(&self, text: &str) -> Checked<()> {
        let Self { what, made_of, punctuation, first, longest } = self;
        let hint = match first {
            First::Any => format!("{what} is made of {made_of}"),
            First::Letter => format!("{what} is made of {made_of}, and starts with a letter"),
        };
        let allowed = |letter: char| letter.is_alphanumeric() || punctuation.contains(letter);
        let well_begun = matches!(first, First::Any) || text.starts_with(|letter: char| letter.is_ascii_alphabetic());
        let ascii = text.is_ascii() || punctuation.contains(' ');
        match () {
            () if text.is_empty() => Err(Mistake::new("is empty").hint(hint)),
            () if text.chars().count() > *longest => {
                Err(Mistake::new(format!("is {} characters long", text.chars().count()))
                    .hint(format!("{what} is at most {longest} characters long")))
            }
            () if !ascii || !well_begun || !text.chars().all(allowed) => {
                Err(Mistake::new(format!("is {}, which is not {what}", quoted(text))).hint(hint))
            }
            () => Ok(()),
        }
    }

    /// A rule for strings of this pattern.
    pub fn rule(&self, value: &DeValue<'_>) -> Checked<String> {
        let text = text(value)?;
        self.check(&text)?;
        Ok(text)
    }
}

/// `text` as TOML would write it.
pub fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn wrong_kind(expected: &str, value: &DeValue<'_>) -> Mistake {
    Mistake::new(format!("must be {expected}, not {}", kind(value)))
}

/// Any string.
pub fn text(value: &DeValue<'_>) -> Checked<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong_kind("a string", value))
}

/// A string with something in it.
pub fn filled(value: &DeValue<'_>) -> Checked<String> {
    text(value).and_then(|text| if text.is_empty() { Err(Mistake::new("is empty")) } else { Ok(text) })
}

/// `true` or `false`.
pub fn truth(value: &DeValue<'_>) -> Checked<bool> {
    value.as_bool().ok_or_else(|| wrong_kind("true or false", value))
}

/// A whole number within `range`; `what` says of what, with its article.
pub fn whole(what: &str, range: std::ops::RangeInclusive<u32>) -> impl Fn(&DeValue<'_>) -> Checked<u32> {
    move |value| {
        let number = value.as_integer().ok_or_else(|| wrong_kind("a whole number", value))?;
        u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| range.contains(number)).ok_or_else(|| {
            Mistake::new(format!("is {number}")).hint(format!("{what} is {} to {}", range.start(), range.end()))
        })
    }
}

/// A number above 0 and at most 100, fractions allowed: a target utilisation.
pub fn percentage(value: &DeValue<'_>) -> Checked<serde_json::Number> {
    let written = match value {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(serde_json::Number::from),
        DeValue::Float(number) => number.as_str().parse().ok().and_then(shortest),
        _ => return Err(wrong_kind("a number", value)),
    };
    written
        .filter(|number| number.as_f64().is_some_and(|number| number > 0.0 && number <= 100.0))
        .ok_or_else(|| Mistake::new("is out of range").hint("a target is above 0 and at most 100 percent"))
}

/// `50.0` is written `50`, as JavaScript does.
fn shortest(number: f64) -> Option<serde_json::Number> {
    #[expect(clippy::cast_possible_truncation, reason = "only numbers without a fraction, and only up to 100, are kept")]
    if number.fract() == 0.0 && number.abs() <= 100.0 {
        return Some((number as i64).into());
    }
    serde_json::Number::from_f64(number)
}

/// A duration such as `30s`, `5m` or `1m30s`, in seconds within `range`.
pub fn duration(what: &str, range: std::ops::RangeInclusive<u32>) -> impl Fn(&DeValue<'_>) -> Checked<u32> {
    move |value| {
        let DeValue::String(text) = value else { return Err(wrong_kind("a duration like \"30s\"", value)) };
        let seconds = seconds(text).ok_or_else(|| {
            Mistake::new(format!("is {}, which is not a duration", quoted(text)))
                .hint("write a whole number and a unit, s, m or h: \"30s\", \"5m\"")
        })?;
        if range.contains(&seconds) {
            return Ok(seconds);
        }
        let hint = format!("{what} is {} to {} seconds", range.start(), range.end());
        Err(Mistake::new(format!("is {}", quoted(text))).hint(hint))
    }
}

fn seconds(text: &str) -> Option<u32> {
    let mut total = 0u32;
    let mut rest = text;
    while !rest.is_empty() {
        let unit = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let amount: u32 = rest[..unit].parse().ok()?;
        let factor = match rest[unit..].chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return None,
        };
        total = total.checked_add(amount.checked_mul(factor)?)?;
        rest = &rest[unit + 1..];
    }
    (!text.is_empty()).then_some(total)
}

/// A list of things that `rule` accepts, at least one; the message names the place (from 1) of the first that it refuses.
pub fn list<T>(rule: impl Fn(&DeValue<'_>) -> Checked<T>) -> impl Fn(&DeValue<'_>) -> Checked<Vec<T>> {
    move |value| {
        let items = value.as_array().ok_or_else(|| wrong_kind("a list", value))?;
        if items.is_empty() {
            return Err(Mistake::new("is an empty list"));
        }
        items.iter().enumerate().map(|(at, item)| rule(item.get_ref()).map_err(|mistake| numbered(at, mistake))).collect()
    }
}

fn numbered(at: usize, mistake: Mistake) -> Mistake {
    Mistake { message: format!("is wrong: number {} {}", at + 1, mistake.message), ..mistake }
}

/// As [`list`], and nothing may stand in it twice.
pub fn set<T: PartialEq + std::fmt::Display>(
    rule: impl Fn(&DeValue<'_>) -> Checked<T>,
) -> impl Fn(&DeValue<'_>) -> Checked<Vec<T>> {
    let rule = list(rule);
    move |value| {
        let items = rule(value)?;
        match items.iter().enumerate().find(|(at, item)| items[..*at].contains(item)) {
            Some((_, twice)) => Err(Mistake::new(format!("has {twice} twice"))),
            None => Ok(items),
        }
    }
}

/// One of the words of a table, as the value beside it.
pub fn one_of<T: Copy>(choices: &'static [(&'static str, T)]) -> impl Fn(&DeValue<'_>) -> Checked<T> {
    move |value| {
        let word = text(value)?;
        choices.iter().find(|(name, _)| *name == word).map(|(_, choice)| *choice).ok_or_else(|| {
            let hint = format!("write {}", listed(choices.iter().map(|(name, _)| quoted(name)), "or"));
            Mistake::new(format!("is {}", quoted(&word))).hint(hint)
        })
    }
}

/// A CPU or memory size is checked alone first, then the pair.
pub const FARGATE_SIZES: &[(u32, &[u32])] = &[
    (256, &[512, 1024, 2048]),
    (512, &[1024, 2048, 3072, 4096]),
    (1024, &[2048, 3072, 4096, 5120, 6144, 7168, 8192]),
    (2048, &range::<13>(4096, 1024)),
    (4096, &range::<23>(8192, 1024)),
    (8192, &range::<12>(16384, 4096)),
    (16384, &range::<12>(32768, 8192)),
];

const fn range<const N: usize>(first: u32, step: u32) -> [u32; N] {
    let mut sizes = [0; N];
    let mut size = first;
    let mut at = 0;
    while at < N {
        sizes[at] = size;
        size += step;
        at += 1;
    }
    sizes
}

/// The memory sizes (MiB) that Fargate offers with `cpu` units, in words.
pub fn memory_choices(sizes: &[u32]) -> String {
    match sizes {
        [first, second, .., last] if sizes.len() > 8 => format!("{first} to {last} in steps of {}", second - first),
        _ => listed(sizes.iter().map(ToString::to_string), "or"),
    }
}

/// A Fargate CPU size, in CPU units.
pub fn cpu(value: &DeValue<'_>) -> Checked<u32> {
    let number = whole("cpu", 1..=u32::MAX)(value)?;
    if FARGATE_SIZES.iter().any(|(cpu, _)| *cpu == number) {
        return Ok(number);
    }
    let sizes = listed(FARGATE_SIZES.iter().map(|(cpu, _)| cpu.to_string()), "or");
    Err(Mistake::new(format!("is {number}")).hint(format!("Fargate accepts {sizes}")))
}

/// What CloudWatch Logs accepts, in days.
const RETENTION_DAYS: &[u32] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// A retention period, in days.
pub fn retention_days(value: &DeValue<'_>) -> Checked<u32> {
    let days = whole("a retention period", 0..=u32::MAX)(value)?;
    if RETENTION_DAYS.contains(&days) {
        return Ok(days);
    }
    let accepted = listed(RETENTION_DAYS.iter().map(ToString::to_string), "or");
    Err(Mistake::new(format!("is {days}")).hint(format!("CloudWatch Logs accepts {accepted} days")))
}

/// A TCP port.
pub fn port(value: &DeValue<'_>) -> Checked<u16> {
    let port = whole("a port", 1..=65535)(value)?;
    u16::try_from(port).map_err(|_| Mistake::new(format!("is {port}")))
}

/// An AWS account id.
pub fn account(value: &DeValue<'_>) -> Checked<String> {
    let hint = "an account id is 12 digits in quotes, like \"123456789012\"";
    let account = text(value).map_err(|mistake| mistake.hint(hint))?;
    if account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit()) {
        return Ok(account);
    }
    Err(Mistake::new(format!("is {}", quoted(&account))).hint(hint))
}

/// The name of an AWS region: `us-east-1`, `us-gov-west-1`.
pub fn region(value: &DeValue<'_>) -> Checked<String> {
    let region = text(value)?;
    let parts: Vec<&str> = region.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|letter| letter.is_ascii_lowercase());
    let well_formed = parts.len() >= 3
        && parts[..parts.len() - 1].iter().all(word)
        && parts[parts.len() - 1].parse::<u8>().is_ok();
    if well_formed {
        return Ok(region);
    }
    Err(Mistake::new(format!("is {}, which is not a region", quoted(&region))).hint("a region looks like \"us-east-1\""))
}

/// A construct id: anything but an empty one or one with the separator of paths.
pub fn construct_id(value: &DeValue<'_>) -> Checked<String> {
    let id = filled(value)?;
    match () {
        () if id.contains('/') => {
            Err(Mistake::new(format!("is {}, and a construct id has no `/`", quoted(&id)))
                .hint(format!("cdk makes {} of it", quoted(&id.replace('/', "--")))))
        }
        () if !id.contains(|letter: char| letter.is_ascii_alphanumeric()) => {
            Err(Mistake::new(format!("is {}, which has no letter or digit", quoted(&id))))
        }
        () => Ok(id),
    }
}

/// A construct id that begins a logical id, which CloudFormation wants to start with a letter.
pub fn leading_construct_id(value: &DeValue<'_>) -> Checked<String> {
    let id = construct_id(value)?;
    let first = id.chars().find(char::is_ascii_alphanumeric);
    if first.is_some_and(|first| first.is_ascii_alphabetic()) {
        return Ok(id);
    }
    Err(Mistake::new(format!("is {}, and its first letter or digit is a digit", quoted(&id)))
        .hint("logical ids are made of it, and they start with a letter"))
}

/// An AWS id such as `subnet-0a1b…`.
pub fn resource_id(prefix: &'static str) -> impl Fn(&DeValue<'_>) -> Checked<String> {
    move |value| {
        let id = text(value)?;
        let tail = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
        if tail.is_some_and(|tail| !tail.is_empty() && tail.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())) {
            return Ok(id);
        }
        Err(Mistake::new(format!("is {}", quoted(&id))).hint(format!("an id here looks like \"{prefix}-0a1b2c3d4e5f60718\"")))
    }
}

/// Whether every label of a dotted name is one that Cloud Map accepts.
pub fn is_dns_name(name: &str) -> bool {
    name.split('.').all(|label| {
        let inner = label.trim_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        (1..=63).contains(&label.len()) && (inner.is_empty() || !label.starts_with('-') && !label.ends_with('-'))
    })
}

/// The mistake of a name that is none.
pub fn not_a_dns_name(name: &str) -> Mistake {
    Mistake::new(format!("is {}, which is not a DNS name", quoted(name)))
        .hint("between the dots stand 1 to 63 letters, digits, underscores and hyphens, no hyphen at an end")
}
