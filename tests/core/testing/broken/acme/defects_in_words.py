"""What is wrong with each of `acme.defects`, and what the kit has to say about it."""

from typing import NamedTuple


class Defect(NamedTuple):
    """One defect.

    Args:
        name: The module below `acme.defects`.
        contract: The kind of contract that has to find it.
        test: The test that has to fail.
        says: Words of its message.
    """

    name: str
    contract: str
    test: str
    says: str


DEFECTS = (
    # --- readers and savers ---
    Defect("loses_the_last_row", "reader and saver", "test_round_trip", "rows"),
    Defect("swallows_errors", "reader and saver", "test_full_disk_is_an_error_and_changes_nothing", "save returned"),
    Defect("reorders_columns", "reader and saver", "test_round_trip", "columns"),
    Defect("writes_in_place", "reader and saver", "test_full_disk_is_an_error_and_changes_nothing", "in one step"),
    Defect("appends_on_overwrite", "reader and saver", "test_overwrite_replaces", "overwrite"),
    Defect("overwrites_on_append", "reader and saver", "test_append_adds", "append"),
    Defect("overwrites_on_error", "reader and saver", "test_error_refuses_and_changes_nothing", "error"),
    Defect("overwrites_on_ignore", "reader and saver", "test_ignore_leaves_what_is_there", "ignore"),
    Defect("changes_the_frame", "reader and saver", "test_frame_is_not_changed", "changed"),
    Defect("reports_what_it_did_not_write", "reader and saver", "test_report_is_true", "rows"),
    Defect(
        "returns_frames_of_another_engine", "reader and saver", "test_reader_returns_a_frame_of_its_engine", "frame"
    ),
    Defect("invents_what_is_missing", "reader and saver", "test_missing_dataset_is_not_found", "DatasetNotFoundError"),
    Defect("reads_the_first_page", "reader and saver", "test_many_rows_come_back", "all pages"),
    Defect("remembers_what_it_read", "reader and saver", "test_a_reader_sees_what_was_saved_since", "no cache"),
    Defect("leaves_files_open", "reader and saver", "test_files_are_closed", "files more are open"),
    Defect("saves_the_first_batch", "reader and saver", "test_a_frame_in_pieces_is_saved_whole", "in several batches"),
    Defect("leaves_copies_behind", "reader and saver", "test_a_save_leaves_nothing_beside_the_dataset", ".bak"),
    Defect("keeps_old_rows_for_none", "reader and saver", "test_overwrite_with_no_rows_leaves_no_rows", "left 7 rows"),
    Defect(
        "drops_rows_that_are_there", "reader and saver", "test_rows_that_are_the_same_are_all_kept", "there already"
    ),
    Defect("loses_zones_within_structs", "reader and saver", "test_round_trip", "column 'struct'"),
    Defect("loses_nulls_within_lists", "reader and saver", "test_round_trip", "column 'items'"),
    # --- engines ---
    Defect("takes_buffers_from_their_start", "engine", "test_rows_in_pieces_come_back", "column 'id'"),
    Defect("takes_codes_for_categories", "engine", "test_rows_in_pieces_come_back", "column 'text'"),
    Defect("counts_by_computing", "engine", "test_count_rows_starts_nothing", "started the computation"),
    Defect("counts_wrongly", "engine", "test_count_rows_is_true_or_none", "count_rows returned"),
    Defect("keeps_a_frame_for_all_threads", "engine", "test_threads", "came back wrong"),
    Defect("takes_anything_for_a_frame", "engine", "test_is_frame_says_no_to_other_things_and_never_raises", "raised"),
    # --- log sinks ---
    Defect(
        "writes_half_a_batch",
        "log sink",
        "test_a_batch_with_a_record_that_cannot_be_read_is_stored_whole_or_not_at_all",
        "there and were not written",
    ),
    Defect("forgets_what_it_has", "log sink", "test_a_repeated_batch_is_stored_once", "there more than once"),
    Defect("drops_nul", "log sink", "test_texts_that_hurt_are_kept", "is there 0 times"),
    Defect("stores_none_as_text", "log sink", "test_missing_values_stay_none", "and None was written"),
    Defect("changes_records", "log sink", "test_records_are_not_changed", "changes the records"),
    Defect(
        "swallows_errors_of_the_log",
        "log sink",
        "test_on_a_full_disk_a_batch_is_stored_whole_or_not_at_all",
        "`write` returned",
    ),
    Defect("keeps_records_back", "log sink", "test_records_are_stored_whole", "are missing"),
    Defect("cuts_long_errors", "log sink", "test_a_message_of_ten_megabytes_is_kept", "error_message is"),
    Defect("shows_its_token", "log sink", "test_no_secret_is_shown", "secret"),
    Defect(
        "orders_by_the_clock", "log sink", "test_a_clock_that_jumps_changes_nothing", "the records are in the order"
    ),
    # --- connections and config stores ---
    Defect("leaves_its_root", "connection", "test_a_folder_beside_the_root_is_not_inside", "outside of"),
    Defect("shows_its_key", "connection", "test_no_secret_is_shown", "the repr of the connection"),
    Defect("shares_its_storage_options", "connection", "test_storage_options_are_nobody_elses", "a new dict"),
    Defect(
        "ignores_the_environment",
        "config store",
        "test_rows_are_those_of_the_project_and_environment",
        "this environment",
    ),
    Defect(
        "leaves_disabled_rows_out",
        "config store",
        "test_rows_are_those_of_the_project_and_environment",
        "enabled or not",
    ),
    # --- observers ---
    Defect("changes_its_event", "observer", "test_events_are_not_changed", "changes its event: dataset"),
    Defect("counts_rows_in_an_observer", "observer", "test_frames_are_not_touched", "counts the rows"),
    Defect("raises_in_an_observer", "observer", "test_no_event_makes_it_raise", "TypeError"),
    Defect("hangs_in_an_observer", "observer", "test_no_event_makes_it_raise", "has not returned after 5 s"),
    Defect("waits_in_an_observer", "observer", "test_it_waits_for_nothing", "looks a host up"),
    Defect(
        "shares_a_dictionary_between_threads",
        "observer",
        "test_it_can_be_called_from_several_threads_at_once",
        "threads at once",
    ),
    Defect(
        "changes_a_frame_that_it_is_shown",
        "observer of an engine",
        "test_frames_of_an_engine_are_not_changed",
        "changes the frame of 'acme'",
    ),
    # --- what holds for every plugin ---
    Defect(
        "imports_pandas",
        "plugin",
        "test_registration_imports_only_the_standard_library_and_the_plugin_surface",
        "pandas",
    ),
    Defect("prints_at_registration", "plugin", "test_registration_prints_nothing", "acme 1.0"),
    Defect(
        "adds_a_root_handler",
        "plugin",
        "test_registration_leaves_the_process_as_it_was",
        "the handlers of the root logger",
    ),
    Defect("changes_the_environment", "plugin", "test_registration_leaves_the_process_as_it_was", "ACME_HOME is new"),
    Defect("starts_a_thread", "plugin", "test_registration_starts_no_thread", "acme-heartbeat"),
    Defect(
        "misspells_an_argument",
        "plugin",
        "test_hooks_and_their_arguments_are_those_of_the_kernel",
        "has no argument 'evnt'",
    ),
    Defect("misspells_a_hook", "plugin", "test_hooks_and_their_arguments_are_those_of_the_kernel", "odibi_post_save"),
    Defect("names_no_factory", "plugin", "test_everything_named_can_be_loaded", "AcmeLogSink"),
    Defect("takes_unknown_options", "plugin", "test_options_models_refuse_unknown_options", "accepts unknown options"),
    Defect("has_no_summary", "plugin", "test_specs_are_complete", "has no summary"),
    Defect("never_cleans_up", "plugin", "test_unconfigure_undoes_configure", "the handlers of the root logger"),
)
