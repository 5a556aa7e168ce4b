"""The register of feeds: every portal account that publishes, what is normal for it, and finding it by key.

registry             find a feed by its key, or why it is disabled
model                the types of a feed and of a disabled feed
cerberus_feeds, bina_feeds, other_feeds    the feeds that publish, by portal family
disabled_feeds       addresses that are not imported, each with the reason
feed_settings        per-feed overrides from the environment
publishing_calendar  when feeds publish, and when they do not: Shabbat, holidays, after midnight
official_register    the official register on gov.il as data
register_drift       differences between the official register and our feeds

A new feed is one row here. Nothing here connects to a portal.
"""
