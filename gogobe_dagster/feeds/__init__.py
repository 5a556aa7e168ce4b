"""The register of feeds: every portal account that publishes, what is normal for it, and how it is looked up.

registry             find a feed by its key, or why it is disabled
model                what a feed is, and one that is disabled
cerberus_feeds, bina_feeds, other_feeds    the feeds that publish, by portal family
disabled_feeds       addresses that published once or should, and why they are not imported
feed_settings        what the environment can override for one feed
publishing_calendar  when feeds publish and when they rest
official_register    the page of the official register
register_drift       how it differs from our rows

A new feed is one row here. Nothing here connects to a portal.
"""
