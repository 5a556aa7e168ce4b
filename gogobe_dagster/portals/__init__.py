"""How to list and download the files of each portal family.

portal              the protocol of every connector, and one row of a listing
factory             which connector serves a feed, and at which address
connector           the base class of web connectors; session_connector: of those with a session
cerberus, bina, shufersal, publish_price, super_pharm, laib, wolt, mishnat_yosef, hazi_hinam,
city_market, netiv_hahesed:
                    one module per portal family (docs/portals.md)
cerberus_ftp, cerberus_fallback
                    a Cerberus account over FTP, and over the web with FTP as the fallback
gov_register        the official register of portals
gov_localities      the official list of localities
listing_fields, html_tables, paging
                    parsing what listings share: times, sizes, links, HTML tables, pages
http_client, http_adapter, ftp_client, request_policy, network
                    requests with time limits and retries, proxies and certificates
reach, pace         which hosts and addresses may be reached, and how slowly a response may arrive
http_errors, ftp_errors, response_detection, download_stream
                    which code a failure has
"""
