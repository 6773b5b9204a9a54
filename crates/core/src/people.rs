//! Operations of people: setup, sign-in, sessions, and creating workspaces.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use keyrack_key::{Digest, SessionId, Timestamp, UserId};
use keyrack_rack::Clock;
use keyrack_store::{
    Actor, AuthorizedStore, Membership, NewSession, NewUser, NewWorkspace, Principal, Session, Store,
    StoreError, User, Workspace,
};
use zeroize::Zeroizing;

use super::{Invalid, OpError, Passwords, Random, Throttle, invalid};

/// A session ends after this time without activity.
pub const IDLE: Duration = Duration::from_hours(7 * 24);
/// A session ends after this time, regardless of activity.
pub const LONGEST: Duration = Duration::from_hours(30 * 24);
/// The precision of the "last seen" time. A higher precision would need a write for each page.
const SEEN: Duration = Duration::from_mins(1);

/// The secret of a session or a setup link: 256 random bits. `Debug` does not print the token. The store keeps its digest.
pub struct Token(Zeroizing<String>);

impl Token {
    fn generate(random: Random) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(&mut *bytes);
        Self(Zeroizing::new(hex::encode(bytes)))
    }

    /// Parses a token that a browser sent. Returns `None` unless the text is 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text of the token, for the cookie or the link that carries the token.
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

/// The first owner and workspace, as entered. Does not implement `Debug`, so that the password is never printed.
pub struct SetupDetails {
    pub name: String,
    pub email: String,
    pub password: Zeroizing<String>,
    pub workspace: String,
}

/// The origin of a sign-in.
#[derive(Clone, Debug)]
pub struct SignInOrigin {
    pub address: Option<IpAddr>,
    pub agent: Option<String>,
}

/// People, their workspaces, and their sessions.
#[derive(Debug)]
pub struct People {
    store: Store,
    clock: Clock,
    random: Random,
    passwords: Passwords,
    throttle: Throttle,
    /// The token of the setup link. It exists only in this process and is valid until setup is complete.
    setup: Token,
}

impl People {
    /// Manages the people in `store`.
    pub fn new(store: Store, clock: Clock, random: Random) -> Result<Self, OpError> {
        let (passwords, throttle, setup) = (Passwords::new()?, Throttle::default(), Token::generate(random));
        Ok(Self { store, clock, random, passwords, throttle, setup })
    }

    /// Returns the token of the setup link, or `None` if setup is complete.
    pub async fn setup_token(&self) -> Result<Option<&Token>, OpError> {
        Ok(if self.store.is_set_up().await? { None } else { Some(&self.setup) })
    }

    /// Whether `token` is the token of the setup link. Compares digests, so that the timing reveals nothing.
    pub fn is_setup_token(&self, token: &str) -> bool {
        Digest::of(token.as_bytes()) == self.setup.digest()
    }

    /// Creates the first owner and workspace.
    pub async fn set_up(&self, founding: SetupDetails) -> Result<(User, Workspace), OpError> {
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
        let user = NewUser { id: self.random.id(now), email: &email, name: &name, password_hash: &hash };
        let slug = slug(&workspace, 0);
        let new = NewWorkspace { id: self.random.id(now), slug: &slug, name: &workspace };
        self.store.set_up(&user, &new, now).await?;
        let found = OpError::NotFound("workspace");
        let user = self.store.user(user.id).await?.ok_or(OpError::NotFound("person"))?;
        Ok((user, self.store.workspace(new.id).await?.ok_or(found)?))
    }

    /// Checks a password and creates a session. Returns `None` if the email and the password do not match.
    pub async fn sign_in(
        &self,
        email: &str,
        password: Zeroizing<String>,
        from: SignInOrigin,
    ) -> Result<Option<Token>, OpError> {
        self.throttle.attempt(email, from.address, (self.clock)()).map_err(OpError::TooManyAttempts)?;
        let user = self.store.user_by_email(email.trim()).await?;
        let stored = user.as_ref().map(|user| user.password_hash.clone());
        let matches = self.passwords.verify(password, stored, from.address).await?;
        let Some(user) = user.filter(|_| matches) else {
            return Ok(None);
        };
        self.throttle.record_success(email, from.address);
        self.create_session(user.id, from).await.map(Some)
    }

    /// Creates a session for a person who has just proved their identity.
    pub async fn create_session(&self, user: UserId, from: SignInOrigin) -> Result<Token, OpError> {
        let token = Token::generate(self.random);
        let now = (self.clock)();
        let agent =
            from.agent.map(|agent| agent.chars().filter(|c| !c.is_control()).take(200).collect::<String>());
        let session = NewSession {
            id: self.random.id(now),
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

    /// Returns the session of a token and its person. Returns `None` if the session has ended.
    pub async fn session(&self, token: &Token) -> Result<Option<(Session, User)>, OpError> {
        let now = (self.clock)();
        let found = self.store.session_by_digest(token.digest()).await?;
        let living =
            found.filter(|(session, _)| session.expires_at > now && now.since(session.seen_at) < IDLE);
        if let Some((session, _)) = living.as_ref().filter(|(session, _)| now.since(session.seen_at) > SEEN) {
            // A failure here only makes "last seen" less precise, so the page is shown anyway.
            if let Err(error) = self.store.touch_session(session.id, now).await {
                tracing::warn!(%error, "the last use of a session could not be written");
            }
        }
        Ok(living)
    }

    /// Returns the active sessions of a person.
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

    /// Returns the store for writes of a person outside of workspaces. Each write verifies that the person is still signed in.
    fn writes(&self, by: &Session) -> AuthorizedStore {
        let principal = Principal::Session { session: by.id, user: by.user, role: None };
        self.store.acting_as(principal, (self.clock)())
    }

    /// Returns the workspaces of a person.
    pub async fn memberships(&self, user: UserId) -> Result<Vec<Membership>, OpError> {
        Ok(self.store.memberships(user).await?)
    }

    /// Creates another workspace, owned by the person who is signed in with `by`. Returns the name in its URL.
    pub async fn create_workspace(&self, by: &Session, name: &str) -> Result<String, OpError> {
        let (store, owner) = (self.writes(by), by.user);
        let name = invalid::name(name).map_err(|expected| Invalid::field("name", expected))?;
        let now = (self.clock)();
        let id = self.random.id(now);
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

    /// Deletes sessions that have ended; returns how many.
    pub async fn delete_expired_sessions(&self, now: Timestamp) -> Result<u64, OpError> {
        Ok(self.store.delete_expired_sessions(now, IDLE).await?)
    }
}

/// Validates the form of an email address. Only a message to the address could prove that the address exists.
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
        Err("Enter a valid email address, such as ada@example.org.")
    }
}

/// Checks the length only (NIST SP 800-63B): rules about symbols and digits make passwords worse.
fn password(password: &str, email: &str) -> Result<(), &'static str> {
    match password.chars().count() {
        0..12 => Err("Use at least 12 characters."),
        257.. => Err("Use 256 characters or fewer."),
        _ if password.eq_ignore_ascii_case(email.trim()) => Err("Don't use your email address as the \
             password."),
        _ => Ok(()),
    }
}

/// The name of a workspace in URLs: lowercase ASCII letters and digits, separated by hyphens.
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
mod tests;
