//! Values from fixed sets: Fargate's CPU and memory sizes, CloudWatch's retention periods.

use toml::de::DeValue;

use super::{integer, quoted};
use crate::diagnostic::Diagnostic;
use crate::stack::reader::{Validated, join_words};

/// Fargate's CPU sizes in CPU units, with the memory sizes in MiB for each.
pub(crate) const FARGATE_SIZES: &[(u32, &[u32])] = &[
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

/// Memory sizes (MiB) in words.
pub(crate) fn memory_choices(sizes: &[u32]) -> String {
    match sizes {
        [first, second, .., last] if sizes.len() > 8 => format!("{first} to {last} in steps of {}", second - first),
        _ => join_words(sizes.iter().map(ToString::to_string), "or"),
    }
}

/// A Fargate CPU size, in CPU units.
pub(crate) fn cpu(value: &DeValue<'_>) -> Validated<u32> {
    let number = integer("cpu", 1..=u32::MAX)(value)?;
    if FARGATE_SIZES.iter().any(|(cpu, _)| *cpu == number) {
        return Ok(number);
    }
    let sizes = join_words(FARGATE_SIZES.iter().map(|(cpu, _)| cpu.to_string()), "or");
    Err(Diagnostic::new(format!("is {number}")).hint(format!("Fargate accepts {sizes}")))
}

/// The retention periods of CloudWatch Logs, in days.
const RETENTION_DAYS: &[u32] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// The value for events that never expire; the CDK's `RetentionDays.INFINITE`.
const INFINITE: &str = "infinite";

/// A retention period in days; `None` if events never expire.
pub(crate) fn retention_days(value: &DeValue<'_>) -> Validated<Option<u32>> {
    let written = match value {
        DeValue::String(text) if text == INFINITE => return Ok(None),
        DeValue::String(text) => quoted(text),
        number => integer("a retention period", 0..=u32::MAX)(number)?.to_string(),
    };
    if let Some(days) = RETENTION_DAYS.iter().find(|days| days.to_string() == written) {
        return Ok(Some(*days));
    }
    let accepted = join_words(RETENTION_DAYS.iter().map(ToString::to_string), "or");
    Err(Diagnostic::new(format!("is {written}"))
        .hint(format!("CloudWatch Logs accepts {accepted} days; \"{INFINITE}\" keeps events forever")))
}
