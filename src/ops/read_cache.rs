//! Reads stacks and what belongs to them, each once as long as the command changes nothing.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::try_join_all;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::{OpsError, Result};
use crate::aws::{Aws, AwsError};
use crate::model::{Export, Stack, StackResource, StackStatus};
use crate::stack::{Template, parse_template};

/// A stack's ARN, its status and when it was updated: its template and resources change only with one of them.
type StackVersion = (String, StackStatus, Option<Timestamp>);

/// Results of calls to AWS, so that the steps of a command that need the same one share it. [`ReadCache::discard`] has to be called when
/// an operation starts or ends.
#[derive(Debug)]
pub struct ReadCache {
    aws: Arc<Aws>,
    stacks: Cache<String, Option<Stack>>,
    templates: Cache<StackVersion, Option<Template>>,
    resources: Cache<StackVersion, Vec<StackResource>>,
    exports: Cache<(), Vec<Export>>,
    importers: Cache<String, Vec<String>>,
    /// Physical ids of resources with a custom name, by the name.
    pub(super) named_resources: Cache<String, Vec<String>>,
    /// ARNs of stacks by the physical id of a resource.
    owners: Cache<String, Option<String>>,
}

impl ReadCache {
    /// A cache in which nothing has been read.
    pub fn new(aws: Arc<Aws>) -> Self {
        Self {
            aws,
            stacks: Cache::default(),
            templates: Cache::default(),
            resources: Cache::default(),
            exports: Cache::default(),
            importers: Cache::default(),
            named_resources: Cache::default(),
            owners: Cache::default(),
        }
    }

    /// The clients, for calls that are not cached.
    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    /// The stack with this name; `None` if it does not exist.
    pub(crate) async fn stack(&self, name: &str) -> Result<Option<Stack>> {
        Ok(self.stacks.get(name.to_owned(), Box::pin(self.aws.stack(name))).await?)
    }

    /// The stacks with these names, or `None` for those that do not exist.
    pub(crate) async fn stacks(&self, names: impl IntoIterator<Item = &str>) -> Result<Vec<Option<Stack>>> {
        try_join_all(names.into_iter().map(|name| self.stack(name))).await
    }

    /// The deployed template of a stack; `None` if the stack was not created, or its creation failed.
    pub(crate) async fn template(&self, stack: &Stack) -> Result<Option<Template>> {
        self.templates.get(version(stack), Box::pin(deployed_template(&self.aws, stack))).await
    }

    /// The resources of a stack. Those of a stack with an operation in progress are always read.
    pub(crate) async fn resources(&self, stack: &Stack) -> std::result::Result<Vec<StackResource>, AwsError> {
        let read = Box::pin(self.aws.stack_resources(&stack.arn));
        if stack.status.is_in_progress() { read.await } else { self.resources.get(version(stack), read).await }
    }

    /// All exports of the account in the region.
    pub(super) async fn exports(&self) -> std::result::Result<Vec<Export>, AwsError> {
        self.exports.get((), Box::pin(self.aws.exports())).await
    }

    /// The names of the stacks that import an export.
    pub(super) async fn importers(&self, export: &str) -> std::result::Result<Vec<String>, AwsError> {
        self.importers.get(export.to_owned(), Box::pin(self.aws.importers(export))).await
    }

    /// The ARN of the stack that contains the resource with this physical id.
    pub(super) async fn owner_of(&self, physical_id: &str) -> std::result::Result<Option<String>, AwsError> {
        self.owners.get(physical_id.to_owned(), Box::pin(self.aws.owner_of(physical_id))).await
    }

    /// Discards what an operation may change: stacks, exports and names. Templates and resources belong to one version of a stack.
    pub(super) fn discard(&self) {
        let Self { aws: _, stacks, templates: _, resources: _, exports, importers, named_resources, owners } = self;
        stacks.clear();
        exports.clear();
        importers.clear();
        named_resources.clear();
        owners.clear();
    }

    /// Discards the state of one stack.
    pub(super) fn discard_stack(&self, name: &str) {
        self.stacks.remove(name);
    }

    /// As [`ReadCache::discard`], after an operation that left the stack as `stack`.
    pub(super) fn discard_after(&self, stack: &Stack) {
        self.discard();
        self.stacks.insert(stack.name.clone(), Some(stack.clone()));
    }
}

fn version(stack: &Stack) -> StackVersion {
    (stack.arn.clone(), stack.status.clone(), stack.updated)
}

/// The deployed template of a stack, JSON or YAML. `None` if the stack was not created, or its creation failed.
pub(super) async fn deployed_template(aws: &Aws, stack: &Stack) -> Result<Option<Template>> {
    if !stack.status.is_created() {
        return Ok(None);
    }
    let Some(text) = aws.template(&stack.arn).await? else { return Ok(None) };
    let unreadable = |error| OpsError::UnreadableTemplate { stack: stack.name.clone(), error };
    parse_template(&text).map(Some).map_err(unreadable)
}

/// Values by key. Concurrent reads of a key share one call; errors are not kept.
#[derive(Debug)]
pub(super) struct Cache<K, V>(Mutex<BTreeMap<K, Arc<OnceCell<V>>>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord, V: Clone> Cache<K, V> {
    /// The value of a key, which `read` reads unless it is known.
    pub(super) async fn get<E>(
        &self,
        key: K,
        read: impl Future<Output = std::result::Result<V, E>>,
    ) -> std::result::Result<V, E> {
        let cell = Arc::clone(self.entries().entry(key).or_default());
        cell.get_or_try_init(|| read).await.cloned()
    }

    fn insert(&self, key: K, value: V) {
        self.entries().insert(key, Arc::new(OnceCell::new_with(Some(value))));
    }

    fn remove<Q: Ord + ?Sized>(&self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.entries().remove(key);
    }

    fn clear(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, BTreeMap<K, Arc<OnceCell<V>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn concurrent_reads_share_a_call_and_errors_are_not_kept() {
        let (cache, calls) = (Cache::default(), Cell::new(0));
        let read = async || {
            calls.set(calls.get() + 1);
            tokio::task::yield_now().await;
            if calls.get() == 1 { Err("denied") } else { Ok(calls.get()) }
        };
        assert_eq!(cache.get("a", read()).await, Err("denied"));
        assert_eq!(tokio::join!(cache.get("a", read()), cache.get("a", read())), (Ok(2), Ok(2)));
        assert_eq!(cache.get("b", read()).await, Ok(3));
        cache.clear();
        assert_eq!(cache.get("a", read()).await, Ok(4));
        cache.insert("a", 0);
        assert_eq!(cache.get("a", read()).await, Ok(0));
    }
}
