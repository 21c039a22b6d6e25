//! Capacity providers: the two that every account has, and which one a task gets. Others need Auto Scaling groups, which the sandbox
//! does not have.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::clusters::{limit, missing};
use super::{faults, lookups};
use crate::base::paging;
use crate::core::OperationResult;
use crate::{Config, Sandbox};

pub(super) const FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeCapacityProvidersInput {
    #[serde(default)]
    capacity_providers: Vec<String>,
    cluster: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, input: DescribeCapacityProvidersInput) -> OperationResult {
    let DescribeCapacityProvidersInput { capacity_providers, cluster, max_results, next_token } = input;
    if let Some(cluster) = &cluster {
        sandbox.store.read(|states| lookups::cluster(states, Some(cluster)).map(drop))?;
    }
    let config = &sandbox.config;
    if capacity_providers.is_empty() {
        let all = FARGATE.iter().map(|name| ((*name).to_owned(), describe_provider(config, name)));
        let page = paging::page(all, "DescribeCapacityProviders", next_token.as_deref(), limit(max_results)?);
        let page = page.map_err(|_| faults::bad_token())?;
        return Ok(json!({ "capacityProviders": page.items, "failures": [], "nextToken": page.next_token }));
    }
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        capacity_providers.iter().map(|given| lookups::last_part(given)).partition(|name| FARGATE.contains(name));
    let failures: Vec<Value> = unknown.into_iter().map(|name| missing(&arn(config, name))).collect();
    let providers: Vec<Value> = known.into_iter().map(|name| describe_provider(config, name)).collect();
    Ok(json!({ "capacityProviders": providers, "failures": failures }))
}

fn arn(config: &Config, name: &str) -> String {
    config.arn("ecs", &format!("capacity-provider/{name}"))
}

fn describe_provider(config: &Config, name: &str) -> Value {
    json!({ "capacityProviderArn": arn(config, name), "name": name, "status": "ACTIVE", "tags": [], "type": name })
}

struct StrategyItem<'a> {
    provider: &'a str,
    base: usize,
    weight: usize,
}

fn share(item: &Value) -> Option<StrategyItem<'_>> {
    let number =
        |member: &str| item.get(member).and_then(Value::as_u64).and_then(|number| number.try_into().ok()).unwrap_or(0);
    Some(StrategyItem {
        provider: item.get("capacityProvider")?.as_str()?,
        base: number("base"),
        weight: number("weight"),
    })
}

/// The providers of `count` further tasks: first each one's base, then by weight (API reference, `CapacityProviderStrategyItem`).
/// None for each without a strategy; `task_count` returns how many tasks a provider has already.
pub(super) fn choose(
    strategy: Option<&Value>,
    task_count: impl Fn(&str) -> usize,
    count: usize,
) -> Vec<Option<String>> {
    let shares: Vec<StrategyItem<'_>> =
        strategy.and_then(Value::as_array).into_iter().flatten().filter_map(share).collect();
    let mut tasks: BTreeMap<&str, usize> =
        shares.iter().map(|share| (share.provider, task_count(share.provider))).collect();
    let mut chosen = Vec::new();
    for _ in 0..count {
        let running = |share: &StrategyItem<'_>| tasks.get(share.provider).copied().unwrap_or_default();
        let below_base = shares.iter().find(|share| running(share) < share.base);
        // The provider with the fewest tasks beyond its base per weight, compared without division.
        let by_weight = shares.iter().filter(|share| share.weight > 0).reduce(|best, share| {
            let extra = |share: &StrategyItem<'_>| running(share).saturating_sub(share.base);
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
