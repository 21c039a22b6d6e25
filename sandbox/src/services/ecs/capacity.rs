//! Capacity providers: the two that every account has on Fargate, and which one a task gets.

use std::collections::BTreeMap;

use serde_json::Value;

/// The providers that need nothing but Fargate.
pub(super) const FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// One provider of a strategy.
struct Share<'a> {
    provider: &'a str,
    base: usize,
    weight: usize,
}

fn share(item: &Value) -> Option<Share<'_>> {
    let number =
        |member: &str| item.get(member).and_then(Value::as_u64).and_then(|number| number.try_into().ok()).unwrap_or(0);
    Some(Share { provider: item.get("capacityProvider")?.as_str()?, base: number("base"), weight: number("weight") })
}

/// The providers of `count` further tasks: first each one's base, then by weight (API reference, `CapacityProviderStrategyItem`).
/// None for each without a strategy; `has` says how many tasks a provider has already.
pub(super) fn choose(strategy: Option<&Value>, has: impl Fn(&str) -> usize, count: usize) -> Vec<Option<String>> {
    let shares: Vec<Share<'_>> = strategy.and_then(Value::as_array).into_iter().flatten().filter_map(share).collect();
    let mut tasks: BTreeMap<&str, usize> = shares.iter().map(|share| (share.provider, has(share.provider))).collect();
    let mut chosen = Vec::new();
    for _ in 0..count {
        let running = |share: &Share<'_>| tasks.get(share.provider).copied().unwrap_or_default();
        let below_base = shares.iter().find(|share| running(share) < share.base);
        // The one that is furthest behind its weight: tasks beyond the base per weight, compared without division.
        let by_weight = shares.iter().filter(|share| share.weight > 0).reduce(|best, share| {
            let extra = |share: &Share<'_>| running(share).saturating_sub(share.base);
            if extra(share) * best.weight < extra(best) * share.weight { share } else { best }
        });
        let provider = below_base.or(by_weight).map(|share| share.provider);
        if let Some(provider) = provider {
            *tasks.entry(provider).or_default() += 1;
        }
        chosen.push(provider.map(str::to_owned));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn the_base_comes_first_and_then_the_weights() {
        let strategy = json!([
            { "capacityProvider": "FARGATE", "base": 1, "weight": 1 },
            { "capacityProvider": "FARGATE_SPOT", "weight": 3 },
        ]);
        let chosen = super::choose(Some(&strategy), |_| 0, 5);
        let spot = chosen.iter().flatten().filter(|provider| *provider == "FARGATE_SPOT").count();
        assert_eq!((chosen[0].as_deref(), spot), (Some("FARGATE"), 3));
        assert_eq!(super::choose(None, |_| 0, 2), [None, None]);
    }
}
