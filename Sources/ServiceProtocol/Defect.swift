/// One thing that a fake does wrong on purpose, and nothing else: what a suite must notice.
public enum Defect: String, CaseIterable, Hashable, Sendable {
    // Reaping.
    case reapsNothing = "reaps-nothing"
    case reapsOwnOnly = "reaps-own-only"
    case reapsLate = "reaps-late"
    case reapsOnePerSignal = "reaps-one-per-signal"
    case diesOfUnknownChild = "dies-of-unknown-child"
    case takesAnyChildForItsOwn = "takes-any-child-for-its-own"
    case keepsIgnoringChildren = "keeps-ignoring-children"

    // Signals.
    case forwardsNothing = "forwards-nothing"
    case hasNoHandler = "has-no-handler"
    case forwardsTwice = "forwards-twice"
    case forwardsToGroupToo = "forwards-to-group-too"
    case forwardsToChildOnly = "forwards-to-child-only"
    case forwardsTermOnly = "forwards-term-only"
    case forwardsWrongSignal = "forwards-wrong-signal"
    case dropsRealTimeSignals = "drops-real-time-signals"
    case dropsSecondSignal = "drops-second-signal"
    case passesChildSignalOn = "passes-child-signal-on"
    case killsOnSecondSignal = "kills-on-second-signal"
    case blocksSignalsInChildren = "blocks-signals-in-children"

    // Its end.
    case exitsZero = "exits-zero"
    case exitsWithSignalNumber = "exits-with-signal-number"
    case exitsOne = "exits-one"
    case exitsByUptime = "exits-by-uptime"
    case hangsWhenExecFails = "hangs-when-exec-fails"
    case exitsZeroWhenExecFails = "exits-zero-when-exec-fails"
    case leavesOthersBehind = "leaves-others-behind"

    // Stopping services.
    case waitsForNobody = "waits-for-nobody"
    case stopsInStartOrder = "stops-in-start-order"
    case stopsAllAtOnce = "stops-all-at-once"
    case waitsTheWholeGrace = "waits-the-whole-grace"
    case killsAtOnce = "kills-at-once"
    case neverEscalates = "never-escalates"
    case escalatesTooEarly = "escalates-too-early"
    case restartsWhileStopping = "restarts-while-stopping"

    // Starting services.
    case ignoresSignalsDuringStart = "ignores-signals-during-start"
    case startsBeforeDependencies = "starts-before-dependencies"
    case startsOnWhileStopping = "starts-on-while-stopping"
    case ignoresFailedJobs = "ignores-failed-jobs"
    case takesForkForReady = "takes-fork-for-ready"

    // What is around.
    case losesLastOutput = "loses-last-output"
    case keepsDescriptorsOpen = "keeps-descriptors-open"
    case leaksEnvironment = "leaks-environment"
    case isBlockedByItsPidFile = "is-blocked-by-its-pid-file"
    case growsRun = "grows-run"

    // Entrypoints with a marker.
    case initialisesAlways = "initialises-always"
    case writesMarkerFirst = "writes-marker-first"
    case writesMarkerTwice = "writes-marker-twice"
    case looksElsewhereForMarker = "looks-elsewhere-for-marker"
    case writesEmptyMarker = "writes-empty-marker"

    // Services.
    case leavesDataDirty = "leaves-data-dirty"
    case neverNotifies = "never-notifies"
    case writesNoPidFile = "writes-no-pid-file"

    /// Whether it is one of an init that signals whole groups.
    public var isOfGroupMode: Bool { self == .forwardsToChildOnly }

    /// Whether it is one of an entrypoint with a marker.
    public var isOfEntrypoint: Bool {
        switch self {
        case .initialisesAlways, .writesMarkerFirst, .writesMarkerTwice, .looksElsewhereForMarker, .writesEmptyMarker:
            true
        default: false
        }
    }

    /// What it does wrong, in one sentence.
    public var summary: String {
        switch self {
        case .reapsNothing: "waits for nobody: looks at its own child's end, and leaves the zombie"
        case .reapsOwnOnly: "waits for its own children, not for orphans"
        case .reapsLate: "reaps once in three seconds"
        case .reapsOnePerSignal: "reaps one child for each SIGCHLD, however many have ended"
        case .diesOfUnknownChild: "exits when a child ends that it has not started"
        case .takesAnyChildForItsOwn: "takes the first child that ends for its main child"
        case .keepsIgnoringChildren: "goes on ignoring SIGCHLD when it is started so"
        case .forwardsNothing: "takes signals and passes none on"
        case .hasNoHandler: "has no handler for the stop signal"
        case .forwardsTwice: "passes each signal on twice"
        case .forwardsToGroupToo: "passes signals on to the child, and to its group as well"
        case .forwardsToChildOnly: "in group mode, signals only the child"
        case .forwardsTermOnly: "passes on SIGTERM alone"
        case .forwardsWrongSignal: "passes SIGTERM on for whatever comes"
        case .dropsRealTimeSignals: "does not pass real-time signals on"
        case .dropsSecondSignal: "passes on only the first signal"
        case .passesChildSignalOn: "passes SIGCHLD from outside on"
        case .killsOnSecondSignal: "kills everything on the second stop signal"
        case .blocksSignalsInChildren: "starts its children with its own signal mask"
        case .exitsZero: "exits 0 whatever the child's status"
        case .exitsWithSignalNumber: "exits n, not 128 + n, when the child dies of signal n"
        case .exitsOne: "exits 1 when the child's status is not 0"
        case .exitsByUptime: "exits 1 in place of 0 after a second of running"
        case .hangsWhenExecFails: "hangs when its child cannot be executed"
        case .exitsZeroWhenExecFails: "exits 0 when its child cannot be executed"
        case .leavesOthersBehind: "ends with its child, whatever else runs"
        case .waitsForNobody: "ends at once on the stop signal, without waiting for its services"
        case .stopsInStartOrder: "stops services in the order of their start"
        case .stopsAllAtOnce: "asks all services to stop at once"
        case .waitsTheWholeGrace: "waits some seconds at the end though nothing is left"
        case .killsAtOnce: "kills its services in place of asking them to stop"
        case .neverEscalates: "never kills a service that does not stop"
        case .escalatesTooEarly: "kills a service that takes longer than 20 ms to stop"
        case .restartsWhileStopping: "starts a service again that it has just stopped"
        case .ignoresSignalsDuringStart: "loses signals that come before all services are ready"
        case .startsBeforeDependencies: "starts services before those that they come after are ready"
        case .startsOnWhileStopping: "goes on starting services when it is to stop"
        case .ignoresFailedJobs: "starts what comes after a job that has failed"
        case .takesForkForReady: "takes a service that has been started for one that is ready"
        case .losesLastOutput: "relays its child's output, and loses what is printed last"
        case .keepsDescriptorsOpen: "leaves descriptors open in its children"
        case .leaksEnvironment: "leaves a variable of its own in its children's environment"
        case .isBlockedByItsPidFile: "does not start when its pid file is there already"
        case .growsRun: "leaves a further file in /run at each start"
        case .initialisesAlways: "initialises at every start, marker or not"
        case .writesMarkerFirst: "writes the marker before the work is done"
        case .writesMarkerTwice: "writes the marker again at every start"
        case .looksElsewhereForMarker: "looks for the marker where it does not persist"
        case .writesEmptyMarker: "makes the marker, and writes into it when the work is done"
        case .leavesDataDirty: "exits without having cleaned up its data"
        case .neverNotifies: "never says that it is ready"
        case .writesNoPidFile: "forks without writing its pid file"
        }
    }
}
