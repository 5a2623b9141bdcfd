import Vocabulary

/// One fact of a run, and when it was so.
public struct Event: Hashable, Sendable {
    /// On CLOCK_MONOTONIC.
    public let instant: MonotonicInstant
    /// What was so.
    public let kind: Kind

    /// A fact and its moment.
    public init(at instant: MonotonicInstant, _ kind: Kind) {
        self.instant = instant
        self.kind = kind
    }

    /// The fact, by who vouches for it.
    public enum Kind: Hashable, Sendable {
        /// The harness did it, in the runtime's place.
        case runtime(RuntimeEvent)
        /// The kernel saw it.
        case kernel(KernelEvent)
        /// A service said it of itself. The process is the one that the kernel names as the sender.
        case said(ServiceWord, by: ProcessID)
        /// It was printed; the time is that of reading. `isWhole`: with this the line is complete.
        case printed(String, on: Stream, isWhole: Bool = true)
        /// The harness looked at a file of the container.
        case looked(FileFact)
        /// The harness looked on which TCP ports something in the container's network listens, in order.
        case listening([Int])
        /// Output or reports that were not kept, because there was too much.
        case dropped(bytes: Int, of: Source)
        /// How long the machine has kept the run waiting in all, up to now.
        case late(Lateness)
        /// Where in the scenario the run is.
        case mark(Mark)
    }

    /// Where something was printed; on a terminal both are one, and count as standard output.
    public enum Stream: String, Hashable, Sendable {
        /// Of PID 1, and of every process that has inherited it.
        case stdout, stderr
        /// Of a process that `exec` has started.
        case execStdout = "exec out"
        case execStderr = "exec err"

        /// Whether an `exec` has printed it, not PID 1.
        public var isOfExec: Bool { self == .execStdout || self == .execStderr }
    }

    /// What something that was not kept would have come from.
    public enum Source: Hashable, Sendable {
        case stream(Stream)
        /// What services say of themselves.
        case reports
    }
}

/// What the runtime did to the container.
public enum RuntimeEvent: Hashable, Sendable {
    /// PID 1 has been started, as this program.
    case started(ProcessID, program: String)
    /// A start by hand: the count of restarts begins anew.
    case startRequested
    /// The restart policy will start it again after this time, for the `count`th time.
    case restartScheduled(after: Duration, count: Int)
    /// What the policy was about to do is called off.
    case restartCancelled
    /// A further process was started in the container, as `docker exec` does.
    case execStarted(ProcessID, program: String)
    /// It could not be started; `code` is what the runtime reports.
    case execFailed(stage: String, code: Int)
    /// It took longer than it was given.
    case execTimedOut(ProcessID)
    /// It has been waited for.
    case execEnded(ProcessID, ExitStatus, code: Int)
    /// A hook of the runtime has been started in the container, beside PID 1.
    case hookStarted(ProcessID, program: String)
    /// It could not be started.
    case hookFailed(stage: String)
    /// It has been waited for.
    case hookEnded(ProcessID, ExitStatus)
    /// The health check has been started in the container.
    case checkStarted(ProcessID, program: String)
    /// It has been waited for, or could not be started; nil: there was no process.
    case checkEnded(ProcessID?, code: Int)
    /// What the health checks say of the container is another.
    case becameHealthy(Bool)
    /// Every process is frozen.
    case paused
    /// They go on.
    case resumed
    /// A new container has taken the place of the old one; what was below these paths, its volumes, is there as before.
    case recreated(keeping: [String])
    /// The volume of this name is empty, and so is the path at which it is seen.
    case volumeRemoved(String, at: String)
    /// PID 1 could not be started. `code` is the status that the runtime reports (127 not found, 126 not executable).
    /// Nil where the policy has tried to start it again: the status of its last life stays.
    case startFailed(stage: String, code: Int?)
    /// A stop has begun: this signal, and SIGKILL after the grace period; a negative one has no end.
    case stopRequested(Signal, grace: Duration)
    /// What is started next is not PID 1: it is in a PID namespace that others share, and this is who reaps there.
    case joined(reaper: ProcessID)
    /// It is being stopped, and the runtime calls that a state of its own.
    case stopping
    /// The clients of stops and restarts that were begun are gone.
    case clientGone
    /// A signal was sent from outside.
    case sent(Signal, to: ProcessID)
    /// A signal could not be sent.
    case sendFailed(Signal, to: ProcessID, reason: String)
    /// The grace period is over, and PID 1 still runs.
    case graceExpired
    /// PID 1 has been waited for.
    case exited(ExitStatus, code: Int)
    /// The runtime does not do what was asked of it.
    case refused(reason: String)
    /// The stop is complete; the runtime would answer its caller now.
    case stopFinished
    /// PID 1 outlives what the runtime waits for.
    case stopFailed(reason: String)
    /// What is left of the container is taken away: it removes itself, makes room for a new one, or the scenario is over.
    case removed
    /// The runtime's daemon is gone; killed, without having stopped anything.
    case daemonEnded(isKilled: Bool)
    /// Another one takes over.
    case daemonStarted
}

/// What the kernel told of processes and signals.
public enum KernelEvent: Hashable, Sendable {
    /// `asSibling`: with CLONE_PARENT, so that its parent is that of the process that made it.
    case forked(child: ProcessID, by: ProcessID, asSibling: Bool = false)
    case executed(ProcessID, path: String)
    /// The last thread of the process is gone: from here on it is a zombie until its parent waits for it.
    case exited(ProcessID)
    /// How it ended, as the kernel told its parent (si_code of SIGCHLD: CLD_EXITED, CLD_KILLED, CLD_DUMPED).
    case ended(ProcessID, Manner)
    /// Nothing is left of the process; the kernel tells it a while (an RCU grace period) after the wait.
    case freed(ProcessID)
    /// A process asked for the status of a child; nil: of any.
    case waited(by: ProcessID, for: ProcessID?)
    /// The wait of a process returned, and what it took. Not every kernel tells it.
    case waitEnded(by: ProcessID, WaitOutcome)
    /// The process was stopped for a tracer (ptrace(2)): signals can be taken from it, and others put in their place, unseen.
    case traced(ProcessID)
    case signalled(Signal, to: ProcessID, from: SignalSender, fate: SignalFate)
    /// A signal took effect: by its handler, or by the default action.
    case delivered(Signal, to: ProcessID, hasHandler: Bool)
    /// What a process was prepared to do with a signal, as /proc showed right before it was sent.
    case disposition(ProcessID, Signal, SignalDisposition)
    /// The signals that were queued for a process, which lives, and that it had not taken.
    case pending(ProcessID, [Signal])
    /// The processes that there were, zombies included. Where there is no trace, all that is known of them.
    case census([CensusEntry])
    /// Of these, which had exited, nothing is left any more: they have been waited for. Looked up one by one.
    case absent([ProcessID])
    /// A process of the container had met a limit by then.
    case limitMet(MetLimit)
    /// Events were lost: nothing is certain about this stretch of time.
    case lost(count: Int)
}

/// What a wait took.
public enum WaitOutcome: Hashable, Sendable {
    /// A child that had exited.
    case child
    case nothing
    /// A child, or only the word that one has stopped or goes on, or nothing.
    case perhaps
}

/// How a process ended, without the status, which only its parent learns.
public enum Manner: Hashable, Sendable {
    /// It called exit.
    case exited
    /// A signal ended it.
    case killed
}

/// Who sent a signal.
public enum SignalSender: Hashable, Sendable {
    case process(ProcessID)
    /// A process of another container in the same PID namespace.
    case neighbour(ProcessID)
    /// The kernel itself, on behalf of nobody or of the process named (a fault, a timer, the end of a namespace).
    case kernel(during: ProcessID)
}

/// What became of a signal when it was sent (include/trace/events/signal.h).
public enum SignalFate: Int32, Hashable, Sendable {
    case queued = 0
    /// No handler in a PID 1, or ignored by choice: the kernel dropped it.
    case ignored = 1
    /// One of the same number was waiting already: the two are one.
    case alreadyPending = 2
    /// It was lost.
    case queueFull = 3
    /// It arrived, but without the word who has sent it.
    case informationLost = 4

    /// Whether the process has it, or will.
    public var hasArrived: Bool { self == .queued || self == .informationLost }
}

/// What a file of the container was when it was looked at.
public struct FileFact: Hashable, Sendable {
    /// As the container names it.
    public let path: String
    /// Nil: there is nothing of that name.
    public let status: Status?

    /// The corresponding C structure is `stat`.
    public struct Status: Hashable, Sendable {
        /// Permissions and special bits.
        public let mode: UInt16
        /// The owner's number.
        public let user: UInt32
        /// The group's number.
        public let group: UInt32
        /// Its number in its file system.
        public let inode: UInt64
        /// Of the last change of its content, in nanoseconds since 1970.
        public let modified: Int64
        /// Of the last change of anything about it (`st_ctim`), in nanoseconds since 1970: a program cannot set it back.
        public let changed: Int64
        /// Of the whole file, whatever was read.
        public let sizeInBytes: Int64
        /// The beginning of a regular file, what is no UTF-8 replaced; nil where it is none, or cannot be read.
        public let text: String?
        /// There is more of it than this.
        public let isCut: Bool

        /// The fields of `stat`, and the text.
        public init(
            mode: UInt16, user: UInt32, group: UInt32, inode: UInt64, modified: Int64, sizeInBytes: Int64,
            text: String?,
            isCut: Bool = false, changed: Int64 = 0
        ) {
            self.changed = changed
            self.mode = mode
            self.user = user
            self.group = group
            self.inode = inode
            self.modified = modified
            self.sizeInBytes = sizeInBytes
            self.text = text
            self.isCut = isCut
        }
    }

    /// What was found at a path; nil: nothing.
    public init(path: String, status: Status?) {
        self.path = path
        self.status = status
    }
}

/// One process of a census.
public struct CensusEntry: Hashable, Sendable {
    /// Its number outside.
    public let pid: ProcessID
    /// Its parent's.
    public let parent: ProcessID
    /// What the kernel calls it: 15 bytes at most.
    public let name: String
    /// It has exited, and nobody has waited for it.
    public let isZombie: Bool

    /// One line of a census.
    public init(pid: ProcessID, parent: ProcessID, name: String, isZombie: Bool) {
        self.pid = pid
        self.parent = parent
        self.name = name
        self.isZombie = isZombie
    }
}

/// What a service says of itself.
public enum ServiceWord: Hashable, Sendable {
    /// The first word: who it is.
    case hello(name: String)
    /// The same of one that did not execute the fakes' file when it was looked at: it has ended, or become another program; or lies.
    case claimed(name: String)
    /// It is about to become a real program.
    case executes(program: String)
    /// It does its work now.
    case ready
    /// A signal came that it has a handler for; the sender by its number inside, 0: from outside.
    case caught(Signal, sender: Int32)
    /// Its orderly stop has begun.
    case stopping
    /// It exits with this status.
    case finished(code: Int32)
    /// It has made this many processes and left them to the init, because it was told to.
    case orphaned(count: Int)
    /// An entrypoint has gone through a step of its initialisation.
    case ran(step: String)
    /// An entrypoint has written its marker.
    case wroteMarker
    /// The initialisation of an entrypoint is complete.
    case initialised
    /// It was told to do something that it cannot do here, and why: the scenario is at fault, not the init.
    case cannot(String)
}

/// A place in the scenario: steps are counted from 0.
public enum Mark: Hashable, Sendable {
    /// From here on things come of this step.
    case stepBegan(Int)
    /// The moment at which an expectation's question is put: what came later does not count.
    case asked(step: Int)
    /// The time of an expectation was over, but the machine had kept the run waiting: it is asked once more.
    case timeIsOver(step: Int)
    /// What the runtime was to do to PID 1 was due, and it was done later for the same reason, or not at all.
    case overdue
}

/// How long a machine has kept a run waiting.
public struct Lateness: Hashable, Sendable {
    /// Some process of the container was ready to run, or waited for a disk, for so long.
    public var container: Duration
    /// The harness did not run when it was to, for so long.
    public var harness: Duration

    public init(container: Duration, harness: Duration) {
        self.container = container
        self.harness = harness
    }

    /// By so much everything may have come later than on a calm machine.
    public var total: Duration { container + harness }
}
