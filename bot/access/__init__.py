"""Who somebody is, what the policy lets them do, and the words for it."""
