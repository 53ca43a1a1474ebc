//! What there are words for.

/// The words of one language. `{}` stands for what is filled in.
#[derive(Debug)]
pub struct Words {
    /// 1 node
    pub nodes_1: &'static str,
    /// 1 node
    pub one_node: &'static str,
    /// {} nodes
    pub nodes_n: &'static str,
    /// {} + {} nodes
    pub nodes_c: &'static str,
    /// Cluster
    pub cluster_menu: &'static str,
    /// Begin again
    pub reset: &'static str,
    /// The same preset and seed, from the first moment.
    pub reset_note: &'static str,
    /// New cluster
    pub new_cluster: &'static str,
    /// Preset
    pub preset: &'static str,
    /// seed
    pub seed: &'static str,
    /// Seed
    pub seed_label: &'static str,
    /// Create
    pub create: &'static str,
    /// Cancel
    pub cancel: &'static str,
    /// Time
    pub time_controls: &'static str,
    /// Pause
    pub pause: &'static str,
    /// Go on
    pub go_on: &'static str,
    /// Step to the next event
    pub step: &'static str,
    /// Until ready
    pub until_ready: &'static str,
    /// Hurrying until ready
    pub hurrying: &'static str,
    /// Clock of the cluster
    pub clock: &'static str,
    /// Speed
    pub speed: &'static str,
    /// Share
    pub share: &'static str,
    /// Open in Kubarium
    pub open_whole: &'static str,
    /// Language
    pub language: &'static str,
    /// Switch to the light theme
    pub theme_light: &'static str,
    /// Switch to the dark theme
    pub theme_dark: &'static str,
    /// More
    pub more: &'static str,
    /// Lesson and editor
    pub left: &'static str,
    /// Lesson
    pub lesson: &'static str,
    /// Editor
    pub editor: &'static str,
    /// Cluster
    pub cluster: &'static str,
    /// Rules
    pub rules: &'static str,
    /// Views
    pub views: &'static str,
    /// Console, answers and events
    pub dock: &'static str,
    /// Console
    pub console: &'static str,
    /// Answers
    pub answers: &'static str,
    /// Events
    pub events: &'static str,
    /// Inspector
    pub inspector: &'static str,
    /// Timeline
    pub timeline: &'static str,
    /// Panes
    pub panes: &'static str,
    /// Collapse
    pub collapse: &'static str,
    /// Expand
    pub expand: &'static str,
    /// Close
    pub close: &'static str,
    /// Lesson and editor
    pub open_left: &'static str,
    /// Width of lesson and editor
    pub divider_left: &'static str,
    /// Height of the console
    pub divider_dock: &'static str,
    /// Width of the inspector
    pub divider_inspector: &'static str,
    /// Height of the timeline
    pub divider_timeline: &'static str,
    /// Height of the lesson
    pub divider_lesson: &'static str,
    /// {} / {}
    pub step_of: &'static str,
    /// Step 1
    pub steps_done_1: &'static str,
    /// Steps 1 to {}
    pub steps_done: &'static str,
    /// Choose another lesson
    pub choose_lesson: &'static str,
    /// A lesson begins with a new cluster; your files stay.
    pub choose_lesson_note: &'static str,
    /// Do it for me
    pub lesson_do: &'static str,
    /// Waiting for the cluster
    pub lesson_wait: &'static str,
    /// Next
    pub lesson_next: &'static str,
    /// Finish
    pub lesson_finish: &'static str,
    /// That was the lesson. The cluster is yours: go on as you like.
    pub lesson_finished: &'static str,
    /// Fold the lesson
    pub lesson_fold: &'static str,
    /// Unfold the lesson
    pub lesson_unfold: &'static str,
    /// Right
    pub answer_right: &'static str,
    /// done
    pub goal_done: &'static str,
    /// not yet
    pub goal_open: &'static str,
    /// Manifest
    pub manifest: &'static str,
    /// Paste a manifest, or drop a file
    pub manifest_placeholder: &'static str,
    /// Files
    pub files: &'static str,
    /// New file
    pub new_file: &'static str,
    /// Close {}
    pub close_file: &'static str,
    /// Rename {}
    pub rename_file: &'static str,
    /// File name
    pub file_name: &'static str,
    /// Apply
    pub apply: &'static str,
    /// Save
    pub save: &'static str,
    /// kubectl edit waits for you
    pub editing: &'static str,
    /// Same as what runs
    pub status_same: &'static str,
    /// Not in the cluster yet
    pub status_new: &'static str,
    /// Differs from what runs
    pub status_differs: &'static str,
    /// 1 problem
    pub status_problem: &'static str,
    /// {} problems
    pub status_problems: &'static str,
    /// line {}: {}
    pub status_line: &'static str,
    /// Nothing to apply
    pub status_empty: &'static str,
    /// This text came broken by a paste:
    pub mend_found: &'static str,
    /// Mend it
    pub mend_do: &'static str,
    /// Still missing afterwards:
    pub mend_remaining: &'static str,
    /// Mended. Undo brings the pasted text back.
    pub mend_done: &'static str,
    /// no-break spaces where blanks belong
    pub fault_no_break_spaces: &'static str,
    /// curly quotes
    pub fault_curly_quotes: &'static str,
    /// tabs in the indentation
    pub fault_tabs: &'static str,
    /// a blank line between all lines
    pub fault_blank_lines: &'static str,
    /// characters that don't show
    pub fault_invisible_characters: &'static str,
    /// an API version that is no longer served
    pub fault_old_version: &'static str,
    /// Drop files here
    pub drop_here: &'static str,
    /// {} is too large: 256 KB is the most.
    pub file_too_large: &'static str,
    /// {} is not UTF-8 text.
    pub file_not_text: &'static str,
    /// {} files are the most.
    pub files_full: &'static str,
    /// {} is closed.
    pub file_closed: &'static str,
    /// Undo
    pub undo: &'static str,
    /// The editor could not be loaded: {}
    pub editor_failed: &'static str,
    /// Command
    pub prompt: &'static str,
    /// New console
    pub new_tab: &'static str,
    /// Close {}
    pub close_tab: &'static str,
    /// Runs. The next line opens a prompt beside; Ctrl-C ends it
    pub running_hint: &'static str,
    /// The command reads what you type; Ctrl-D ends its input
    pub reads_hint: &'static str,
    /// Stop
    pub stop: &'static str,
    /// It waits for the clock, which stands.
    pub waits_clock: &'static str,
    /// {} more lines wait
    pub lines_wait: &'static str,
    /// Earlier output was dropped.
    pub cut: &'static str,
    /// Completions
    pub candidates: &'static str,
    /// Keys
    pub keys: &'static str,
    /// Up
    pub key_up: &'static str,
    /// Down
    pub key_down: &'static str,
    /// Left
    pub key_left: &'static str,
    /// Right
    pub key_right: &'static str,
    /// No answers yet. Ask something: curl, from the console.
    pub no_answers: &'static str,
    /// No events yet.
    pub no_events: &'static str,
    /// Time
    pub col_time: &'static str,
    /// From
    pub col_from: &'static str,
    /// To
    pub col_to: &'static str,
    /// Asked
    pub col_asked: &'static str,
    /// Answered by
    pub col_answer: &'static str,
    /// Result
    pub col_result: &'static str,
    /// Reason
    pub col_reason: &'static str,
    /// Object
    pub col_object: &'static str,
    /// Message
    pub col_message: &'static str,
    /// on its way
    pub on_its_way: &'static str,
    /// lost
    pub lost: &'static str,
    /// {}: {}%, {} answers
    pub share_of: &'static str,
    /// {} answered, {} on their way, {} lost
    pub shares: &'static str,
    /// without version
    pub no_version: &'static str,
    /// Loading
    pub loading: &'static str,
    /// It is gone.
    pub gone: &'static str,
    /// Overview
    pub overview: &'static str,
    /// YAML
    pub yaml: &'static str,
    /// Describe
    pub describe: &'static str,
    /// Logs
    pub logs: &'static str,
    /// Conditions
    pub conditions: &'static str,
    /// Why here
    pub verdicts: &'static str,
    /// chosen
    pub chosen: &'static str,
    /// score {}
    pub score: &'static str,
    /// Last requests
    pub requests: &'static str,
    /// No requests yet.
    pub no_requests: &'static str,
    /// No logs.
    pub no_logs: &'static str,
    /// Actions
    pub actions: &'static str,
    /// One less
    pub act_scale_down: &'static str,
    /// One more
    pub act_scale_up: &'static str,
    /// Edit
    pub act_edit: &'static str,
    /// Restart
    pub act_restart: &'static str,
    /// Undo rollout
    pub act_undo: &'static str,
    /// Delete
    pub act_delete: &'static str,
    /// Cordon
    pub act_cordon: &'static str,
    /// Uncordon
    pub act_uncordon: &'static str,
    /// Drain
    pub act_drain: &'static str,
    /// Stop machine
    pub act_stop: &'static str,
    /// Start machine
    pub act_start: &'static str,
    /// Packet {}
    pub packet: &'static str,
    /// Previous packet
    pub previous: &'static str,
    /// Next packet
    pub next: &'static str,
    /// {} to {}, on its way
    pub packet_travels: &'static str,
    /// {} to {}, answered by
    pub packet_answered: &'static str,
    /// {} to {}, {}
    pub packet_failed: &'static str,
    /// Way
    pub way: &'static str,
    /// Its way is no longer known.
    pub way_unknown: &'static str,
    /// step {} of {}
    pub step_of_way: &'static str,
    /// client
    pub client: &'static str,
    /// Size of the inspector
    pub sheet_handle: &'static str,
    /// The cluster comes up.
    pub starting: &'static str,
    /// Bringing the cluster back to {}.
    pub replaying: &'static str,
    /// The simulation ended: {}
    pub worker_failed: &'static str,
    /// It is brought back to {}.
    pub worker_back: &'static str,
    /// It is brought back to {}, without the last thing done: {}
    pub worker_back_without: &'static str,
    /// It ended again and again, so it was not started anew. Your files are kept.
    pub worker_gave_up: &'static str,
    /// Try again
    pub try_again: &'static str,
    /// While this tab was hidden, the clock stood.
    pub hidden: &'static str,
    /// The link is copied. It brings up this cluster at this moment.
    pub link_copied: &'static str,
    /// Copy this link:
    pub link_ready: &'static str,
    /// This session is too long for a link.
    pub link_too_long: &'static str,
    /// The link's session could not be read. This is a new cluster.
    pub link_broken: &'static str,
    /// A new cluster.
    pub new_begun: &'static str,
    /// Bring the former back
    pub bring_back: &'static str,
    /// Dismiss
    pub dismiss: &'static str,
    /// This browser keeps no more: what you do now is lost at a reload.
    pub storage_full: &'static str,
    /// The simulation was too busy to take that in. Try it again.
    pub refused: &'static str,
    /// power of {} on
    pub power_on: &'static str,
    /// power of {} off
    pub power_off: &'static str,
    /// Ctrl-C
    pub interrupt: &'static str,
    /// a new console
    pub open_tab: &'static str,
    /// writing {}
    pub write_file: &'static str,
}
