//! Temporary credentials of the roles that tasks and instances act with.
//!
//! They are valid while the [`RoleLease`] of their task or instance exists, and are never stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use subtle::ConstantTimeEq as _;

use super::Credentials;
use crate::base::arn::Arn;
use crate::base::ids;

/// The length of a session token, which is similar on AWS.
const TOKEN_CHARACTERS: usize = 320;

/// All valid role sessions, by access key id.
#[derive(Debug, Clone, Default)]
pub struct RoleSessions(Arc<Mutex<BTreeMap<String, Arc<RoleSession>>>>);

/// A role in use by one task or instance.
pub struct RoleSession {
    pub role_arn: String,
    /// The role's unique id, `AROA…`.
    pub role_id: String,
    /// The name of the session: the id of the task or instance, as on AWS.
    pub name: String,
    /// The access key, `ASIA…`, and its secret.
    pub credentials: Credentials,
    /// The session token that requests with the access key have to have.
    pub token: String,
    /// The last part of the path of its container credentials URI.
    pub path_id: String,
    /// The token for the `Authorization` header of requests for the container credentials.
    pub authorization: String,
}

impl std::fmt::Debug for RoleSession {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { role_arn, name, .. } = self;
        formatter.debug_struct("RoleSession").field("role_arn", role_arn).field("name", name).finish_non_exhaustive()
    }
}

impl RoleSession {
    /// The account of the role.
    pub fn account(&self) -> &str {
        Arn::parse(&self.role_arn).map_or("", |arn| arn.account)
    }

    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, without the role's path (IAM user guide, "IAM identifiers").
    pub fn assumed_role_arn(&self) -> String {
        let partition = Arn::parse(&self.role_arn).map_or("", |arn| arn.partition);
        let role = self.role_arn.rsplit('/').next().unwrap_or_default();
        format!("arn:{partition}:sts::{}:assumed-role/{role}/{}", self.account(), self.name)
    }
}

/// Keeps a role session valid; dropping it revokes the credentials.
#[derive(Debug)]
pub struct RoleLease {
    session: Arc<RoleSession>,
    all: RoleSessions,
}

impl RoleLease {
    pub fn session(&self) -> &RoleSession {
        &self.session
    }
}

impl Drop for RoleLease {
    fn drop(&mut self) {
        self.all.lock().remove(&self.session.credentials.access_key_id);
    }
}

impl RoleSessions {
    /// Issues credentials of a role.
    pub fn issue(&self, role_arn: String, role_id: String, name: String) -> RoleLease {
        let access_key_id = format!("ASIA{}", ids::random_upper(16));
        let session = Arc::new(RoleSession {
            role_arn,
            role_id,
            name,
            credentials: Credentials {
                access_key_id: access_key_id.clone(),
                secret_access_key: ids::random_alphanumeric(40),
            },
            token: ids::random_alphanumeric(TOKEN_CHARACTERS),
            path_id: ids::uuid(),
            authorization: ids::random_alphanumeric(64),
        });
        self.lock().insert(access_key_id, Arc::clone(&session));
        RoleLease { session, all: self.clone() }
    }

    /// The session of an access key.
    pub fn by_access_key(&self, access_key_id: &str) -> Option<Arc<RoleSession>> {
        self.lock().get(access_key_id).cloned()
    }

    /// The session of a container credentials URI and its token, which are compared in constant time.
    pub fn by_path(&self, path_id: &str, authorization: &str) -> Option<Arc<RoleSession>> {
        let is_same = |own: &str, given: &str| own.as_bytes().ct_eq(given.as_bytes());
        let all = self.lock();
        let session = all.values().find(|session| {
            (is_same(&session.path_id, path_id) & is_same(&session.authorization, authorization)).into()
        });
        session.cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<RoleSession>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::RoleSessions;

    #[test]
    fn credentials_are_revoked_with_their_lease() {
        let sessions = RoleSessions::default();
        let lease = sessions.issue("arn:aws:iam::123456789012:role/team/web".into(), "AROA1".into(), "abc".into());
        let session = lease.session();
        assert_eq!(session.assumed_role_arn(), "arn:aws:sts::123456789012:assumed-role/web/abc");
        let (key, path, token) =
            (session.credentials.access_key_id.clone(), session.path_id.clone(), session.authorization.clone());
        assert!(sessions.by_access_key(&key).is_some() && sessions.by_path(&path, &token).is_some());
        for (path, token) in [(path.as_str(), ""), ("", token.as_str()), (&path, &token[1..]), (&path, &path)] {
            assert!(sessions.by_path(path, token).is_none(), "{path} {token}");
        }
        drop(lease);
        assert!(sessions.by_access_key(&key).is_none() && sessions.by_path(&path, &token).is_none());
    }
}
