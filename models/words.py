"""The closed lists of words the portal speaks in: states, kinds and switches, each with its source in the rules."""

from __future__ import annotations

from enum import StrEnum


class AccountType(StrEnum):
    """The portal's kinds of login (PORTAL, *Who is who*)."""

    DISTRICT_ADMINISTRATOR = "district_administrator"
    SCHOOL_ADMINISTRATOR = "school_administrator"
    CERTIFICATED = "certificated"
    CLASSIFIED = "classified"
    ASSOCIATE = "associate"
    ASP = "asp"
    PARENT = "parent"
    STUDENT = "student"
    OTHER = "other"


class AccountStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class Origin(StrEnum):
    """Who entered it: the person, the student information system, or the portal's life before this console."""

    SELF = "self"
    SIS = "sis"
    ADOPTED = "adopted"


class MembershipStatus(StrEnum):
    PENDING = "pending"
    LIMITED = "limited"
    APPROVED = "approved"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class RegistrationKind(StrEnum):
    PARENT = "parent"
    STUDENT = "student"
    ASP = "asp"


class RegistrationState(StrEnum):
    SUBMITTED = "submitted"
    NEEDS_INFO = "needs_info"
    DEFERRED = "deferred"
    APPROVED = "approved"
    LIMITED = "limited"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ChallengeState(StrEnum):
    OPEN = "open"
    WAITING = "waiting"
    DECIDED = "decided"
    APPEALED = "appealed"
    CLOSED = "closed"


class Basis(StrEnum):
    """What may close a parent's access (PORTAL, *Challenges*; 34 CFR 99.4)."""

    COURT_ORDER = "court_order"
    STATUTE = "statute"
    BINDING_DOCUMENT = "binding_document"
    FRAUD = "fraud"
    DUPLICATE = "duplicate"
    OWN_REQUEST = "own_request"
    NOT_VERIFIED = "not_verified"


class GrantState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVOKED = "revoked"


class Mask(StrEnum):
    """How much of a student's name is shown (PORTAL, *Masks and restrictions*)."""

    NONE = "none"
    INITIAL = "initial"
    PSEUDONYM = "pseudonym"


class InitialRights(StrEnum):
    APPROVE_FOR_GRADES = "approve_for_grades"
    APPROVE_FOR_ANY = "approve_for_any"


class HoldPolicy(StrEnum):
    """What an open challenge does to the challenged tie until it is decided."""

    NONE = "none"
    LIMITED = "limited"
    FULL = "full"


class ConsentPolicy(StrEnum):
    ANY = "any"
    ALL = "all"


class RosterStatus(StrEnum):
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


class DataClass(StrEnum):
    """What a reader may see (PORTAL, *Who may see a student's data*)."""

    PUBLISHED = "published"
    ASSIGNMENTS = "assignments"
    GRADES = "grades"
    ATTENDANCE = "attendance"
    RECORD = "record"
    DIRECTORY = "directory"
    CONTACT = "contact"


class OperatorOrigin(StrEnum):
    """Who says that an operator is who they are: this portal, the district's directory, or a program's key."""

    LOCAL = "local"
    DIRECTORY = "directory"
    PROGRAM = "program"


class OperatorStatus(StrEnum):
    """`proposed` waits for a second person and cannot sign in."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    DISABLED = "disabled"


class SessionKind(StrEnum):
    SCREEN = "screen"
    LINE = "line"


class RequestState(StrEnum):
    """A request for a second person; *expired* is derived from its date."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ActivationState(StrEnum):
    """A directory user; *conflict* and *gone* are derived."""

    WAITING = "waiting"
    ACTIVATED = "activated"
    DISMISSED = "dismissed"


class NoticeState(StrEnum):
    """A notice's way: `sending` is in a worker's hand; `unknown` may have arrived, so it is not sent again."""

    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Log(StrEnum):
    """The two logs: what was decided or disclosed, and who looked."""

    LEDGER = "ledger"
    ACCESSES = "accesses"
