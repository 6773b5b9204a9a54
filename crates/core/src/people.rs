//! What people do: set up, sign in, be remembered by a browser, begin workspaces.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use keyrack_key::{Digest, SessionId, Timestamp, UserId, WorkspaceId};
use keyrack_rack::Clock;
use keyrack_store::{
    Actor, AuthorizedStore, Membership, NewSession, NewUser, NewWorkspace, Principal, Session, Store,
    StoreError, User, Workspace,
};
use rand_core::{TryRng, UnwrapErr};
use zeroize::Zeroizing;

use super::{Invalid, OpError, Passwords, Throttle, invalid};

/// A browser that was not seen for so long is asked to sign in again.
pub const IDLE: Duration = Duration::from_hours(7 * 24);
/// However busy it is, a session ends then.
pub const LONGEST: Duration = Duration::from_hours(30 * 24);
/// How exact "last seen" is; more would be a write for each page.
const SEEN: Duration = Duration::from_mins(1);

/// What a browser keeps: 256 random bits. It does not print; the store keeps its digest.
pub struct Token(Zeroizing<String>);

impl Token {
    fn generate() -> Result<Self, OpError> {
        let mut random = Zeroizing::new([0; 32]);
        getrandom::SysRng.try_fill_bytes(&mut *random).map_err(OpError::internal)?;
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in random.iter() {
            fmt::Write::write_fmt(&mut *text, format_args!("{byte:02x}")).map_err(OpError::internal)?;
        }
        Ok(Self(text))
    }

    /// What came back from a browser.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, for the one cookie or link that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The first owner and workspace, as typed. It does not print: the password would.
pub struct Founding {
    pub name: String,
    pub email: String,
    pub password: Zeroizing<String>,
    pub workspace: String,
}

/// Where somebody signs in from.
#[derive(Clone, Debug)]
pub struct From {
    pub address: Option<IpAddr>,
    pub agent: Option<String>,
}

/// People, their workspaces and their browsers.
#[derive(Debug)]
pub struct People {
    store: Store,
    clock: Clock,
    passwords: Passwords,
    throttle: Throttle,
    /// Of the setup link. Nobody else knows it, and it ends with the process or with its use.
    setup: Token,
}

impl People {
    /// People of `store`.
    pub fn new(store: Store, clock: Clock) -> Result<Self, OpError> {
        let (passwords, throttle, setup) = (Passwords::new()?, Throttle::default(), Token::generate()?);
        Ok(Self { store, clock, passwords, throttle, setup })
    }

    /// The token of the setup link; nothing once there is an owner.
    pub async fn setup_token(&self) -> Result<Option<&Token>, OpError> {
        Ok(if self.store.is_set_up().await? { None } else { Some(&self.setup) })
    }

    /// Whether `token` is the one of the setup link. Digests are compared, so that the time tells nothing.
    pub fn is_setup_token(&self, token: &str) -> bool {
        Digest::of(token.as_bytes()) == self.setup.digest()
    }

    /// Makes the first owner and workspace.
    pub async fn set_up(&self, founding: Founding) -> Result<(User, Workspace), OpError> {
        let mut wrong = Invalid::default();
        let name = wrong.take("name", invalid::name(&founding.name));
        let email = wrong.take("email", email(&founding.email));
        let password = wrong.take("password", password(&founding.password, &founding.email));
        let workspace = wrong.take("workspace", invalid::name(&founding.workspace));
        let (Some(name), Some(email), Some(()), Some(workspace)) = (name, email, password, workspace) else {
            return Err(wrong.into());
        };
        if self.store.is_set_up().await? {
            return Err(StoreError::AlreadySetUp.into());
        }
        let hash = self.passwords.hash(founding.password).await?;
        let now = (self.clock)();
        let mut rng = UnwrapErr(getrandom::SysRng);
        let user =
            NewUser { id: UserId::new(now, &mut rng), email: &email, name: &name, password_hash: &hash };
        let slug = slug(&workspace, 0);
        let new = NewWorkspace { id: WorkspaceId::new(now, &mut rng), slug: &slug, name: &workspace };
        self.store.set_up(&user, &new, now).await?;
        let found = OpError::NotFound("workspace");
        let user = self.store.user(user.id).await?.ok_or(OpError::NotFound("person"))?;
        Ok((user, self.store.workspace(new.id).await?.ok_or(found)?))
    }

    /// Checks a password and remembers the browser. Nothing where the two do not match.
    pub async fn sign_in(
        &self,
        email: &str,
        password: Zeroizing<String>,
        from: From,
    ) -> Result<Option<Token>, OpError> {
        self.throttle.attempt(email, from.address, (self.clock)()).map_err(OpError::TooMany)?;
        let user = self.store.user_by_email(email.trim()).await?;
        let stored = user.as_ref().map(|user| user.password_hash.clone());
        let matches = self.passwords.verify(password, stored, from.address).await?;
        let Some(user) = user.filter(|_| matches) else {
            return Ok(None);
        };
        self.throttle.succeeded(email, from.address);
        self.remember(user.id, from).await.map(Some)
    }

    /// Begins a session for somebody who has just proved who they are.
    pub async fn remember(&self, user: UserId, from: From) -> Result<Token, OpError> {
        let token = Token::generate()?;
        let now = (self.clock)();
        let agent =
            from.agent.map(|agent| agent.chars().filter(|c| !c.is_control()).take(200).collect::<String>());
        let session = NewSession {
            id: SessionId::new(now, &mut UnwrapErr(getrandom::SysRng)),
            digest: token.digest(),
            user,
            address: from.address,
            agent: agent.as_deref(),
            now,
            expires_at: now.plus(LONGEST),
        };
        self.store.create_session(&session).await?;
        Ok(token)
    }

    /// Whose browser this is, if its session lives.
    pub async fn session(&self, token: &Token) -> Result<Option<(Session, User)>, OpError> {
        let now = (self.clock)();
        let found = self.store.session_by_digest(token.digest()).await?;
        let living =
            found.filter(|(session, _)| session.expires_at > now && now.since(session.seen_at) < IDLE);
        if let Some((session, _)) = living.as_ref().filter(|(session, _)| now.since(session.seen_at) > SEEN) {
            // Worth knowing, and no reason to show no page.
            if let Err(error) = self.store.touch_session(session.id, now).await {
                tracing::warn!(%error, "when a session was last seen could not be written");
            }
        }
        Ok(living)
    }

    /// The sessions of a person that still live.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, OpError> {
        let now = (self.clock)();
        let mut sessions = self.store.sessions_of(user).await?;
        sessions.retain(|session| session.expires_at > now && now.since(session.seen_at) < IDLE);
        Ok(sessions)
    }

    /// Ends session `id` of the person who is signed in with `by`; returns whether there was one.
    pub async fn end_session(&self, by: &Session, id: SessionId) -> Result<bool, OpError> {
        Ok(self.writes(by).end_session(by.user, id).await?)
    }

    /// Ends all sessions of a person but `by`; returns how many.
    pub async fn end_other_sessions(&self, by: &Session) -> Result<u64, OpError> {
        Ok(self.writes(by).end_other_sessions(by.user, by.id).await?)
    }

    /// The store for writes of a person outside of workspaces. Each verifies that they are still signed in.
    fn writes(&self, by: &Session) -> AuthorizedStore {
        let principal = Principal::Session { session: by.id, user: by.user, role: None };
        self.store.acting_as(principal, (self.clock)())
    }

    /// The workspaces of a person.
    pub async fn memberships(&self, user: UserId) -> Result<Vec<Membership>, OpError> {
        Ok(self.store.memberships(user).await?)
    }

    /// Creates another workspace, owned by the person who is signed in with `by`. Returns the name in its URL.
    pub async fn create_workspace(&self, by: &Session, name: &str) -> Result<String, OpError> {
        let (store, owner) = (self.writes(by), by.user);
        let name = invalid::name(name).map_err(|expected| Invalid::field("name", expected))?;
        let now = (self.clock)();
        let id = WorkspaceId::new(now, &mut UnwrapErr(getrandom::SysRng));
        for attempt in 0.. {
            let slug = slug(&name, attempt);
            let workspace = NewWorkspace { id, slug: &slug, name: &name };
            match store.create_workspace(&workspace, owner, Actor::User(owner), now).await {
                Err(StoreError::SlugTaken) if attempt < 1_000 => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(slug),
            }
        }
        Err(OpError::Busy)
    }

    /// Forgets sessions that are over.
    pub async fn end_expired(&self, now: Timestamp) -> Result<u64, OpError> {
        Ok(self.store.delete_expired_sessions(now, IDLE).await?)
    }
}

/// An address as people write it. Whether it reaches anybody, only a letter can tell.
fn email(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let parts = text.split_once('@').filter(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
    });
    let plain = text.len() <= 254
        && text.bytes().filter(|byte| *byte == b'@').count() == 1
        && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if parts.is_some() && plain {
        Ok(text.to_owned())
    } else {
        Err("expected an address such as ada@example.org")
    }
}

/// Length is what counts (NIST SP 800-63B); rules about signs and digits make passwords worse.
fn password(password: &str, email: &str) -> Result<(), &'static str> {
    match password.chars().count() {
        0..12 => Err("at least 12 characters"),
        257.. => Err("at most 256 characters"),
        _ if password.eq_ignore_ascii_case(email.trim()) => Err("not the email address"),
        _ => Ok(()),
    }
}

/// The name in a URL: letters and digits of ASCII, hyphens between.
fn slug(name: &str, attempt: u32) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(40);
    let slug = slug.trim_end_matches('-');
    let slug = if slug.is_empty() { "workspace" } else { slug };
    if attempt == 0 { slug.to_owned() } else { format!("{slug}-{}", attempt + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_has_a_readable_address() {
        assert_eq!(slug("Northfield Vision", 0), "northfield-vision");
        assert_eq!(slug("  Äpfel & Birnen!  ", 0), "pfel-birnen");
        assert_eq!(slug("工場", 1), "workspace-2");
        assert!(slug(&"a".repeat(100), 0).len() <= 40);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        assert!(email(" ada@example.org ").is_ok());
        for wrong in
            ["", "ada", "@example.org", "ada@", "ada@org", "a@b@c.org", "a b@c.org", "ada@.org", "ada@org."]
        {
            assert!(email(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_long_and_not_the_address() {
        assert!(password("correct horse", "ada@example.org").is_ok());
        assert!(password("short", "ada@example.org").is_err());
        assert!(password("Ada@Example.org", "ada@example.org").is_err());
        assert!(password(&"a".repeat(257), "").is_err());
    }
}
