import Journal
import Kernel
import Synchronization
import Vocabulary

/// The kernel's own account of processes and signals: a private ftrace instance, read raw.
///
/// One tracer serves all containers. An event belongs to the container whose process it is about; processes are known
/// from the fork of PID 1 on, which is recognised by the thread that makes it (`recordStart`).
package final class Tracer: Sendable {
    /// The instance is this one's: no other takes it for a leftover.
    private let claim: Claim
    private let state: Mutex<TracerState>
    private let stop: Wakeup
    private let reader: Mutex<Thread?>

    /// How much each processor's buffer holds. A process from fork to end is about half a kilobyte.
    private static let bufferSizeInKiB = 4096

    /// Makes the instance and checks that what it says is true: a marker written by this thread must come back with this
    /// thread's number and a time between two readings of the clock.
    ///
    /// - Parameter instances: the `instances` directory of a tracefs. Who opened it removes the instance from it.
    /// - Throws: `TraceError`: what this machine lacks.
    package init(name: RunName, instances: borrowing Descriptor) throws(TraceError) {
        // To remove one takes the kernel some milliseconds; what is left is the next run's.
        let deadline = MonotonicInstant.now.advanced(by: .seconds(1))
        for other in Files.names(in: instances) where RunName.isOne(other) && MonotonicInstant.now < deadline {
            guard let abandoned = Claim.abandoned(other, in: instances.rawValue) else { continue }
            Files.removeDirectory(other, in: instances)
            _ = abandoned
        }
        let formats: TraceFormats
        do {
            claim = try Claim(making: name.description, in: instances.rawValue)
            let instance = try Descriptor.open(name.description, .directory, in: instances.rawValue)
            formats = try TraceFormats(in: instance)
            try Tracer.configure(instance)
            stop = try Wakeup()
            var fresh = TracerState(formats: formats, buffers: try TraceBuffer.all(of: instance))
            try Tracer.calibrate(instance, &fresh)
            state = Mutex(fresh)
            reader = Mutex(nil)
        } catch {
            Files.removeDirectory(name.description, in: instances)
            throw error as? TraceError ?? TraceError(reason: "\(error)")
        }
    }

    private static func configure(_ instance: borrowing Descriptor) throws {
        let directory = instance.rawValue
        try Files.write("mono", to: "trace_clock", in: directory)
        try Files.write("\(bufferSizeInKiB)", to: "buffer_size_kb", in: directory)
        // The reader is woken when a buffer is half full; who needs the latest asks for it.
        try Files.write("50", to: "buffer_percent", in: directory)
        for event in TraceFormats.events {
            try Files.write("1", to: "events/\(event)/enable", in: directory)
        }
        for event in TraceFormats.optionalEvents { try? Files.write("1", to: "events/\(event)/enable", in: directory) }
        try Files.write("1", to: "tracing_on", in: directory)
    }

    private static func calibrate(_ instance: borrowing Descriptor, _ state: inout TracerState) throws {
        let before = MonotonicInstant.now
        try Files.write("calibration", to: "trace_marker", in: instance.rawValue)
        let after = MonotonicInstant.now
        state.drain()
        guard let mark = state.lastMark else { throw TraceError(reason: "a trace marker did not come back") }
        guard mark.thread == currentThreadID().rawValue else {
            throw TraceError(reason: "the harness runs in a PID namespace of its own, the trace speaks of the host's")
        }
        guard mark.time >= before.nanoseconds, mark.time <= after.nanoseconds else {
            throw TraceError(reason: "the trace's clock is not CLOCK_MONOTONIC")
        }
    }

    /// Starts the thread that keeps the buffers from running over.
    package func startReading() throws(Errno) {
        let descriptors = state.withLock { $0.descriptors }
        let thread = try Thread { [self] in
            ProcessSettings.raiseThreadPriority()
            var poller = Poller()
            while true {
                poller.removeAll()
                let stopIndex = poller.add(stop.descriptor)
                for descriptor in descriptors { poller.add(descriptor) }
                guard (try? poller.wait(until: .distantFuture)) != nil, !poller.isReady(stopIndex) else { return }
                state.withLock { $0.drain() }
            }
        }
        reader.withLock { $0 = thread }
    }

    /// Ends the reading thread and closes the buffers: an instance of which a file is open cannot be removed. Blocks
    /// until the thread has ended.
    package func stopReading() {
        stop.ring()
        reader.withLock { thread in
            thread?.join()
            thread = nil
        }
        state.withLock { $0.closeBuffers() }
    }

    // MARK: - For the threads that run containers

    /// From now on the inbox may be given events; it is told of lost ones too.
    package func open(_ inbox: Inbox) {
        state.withLock { $0.open(inbox) }
    }

    /// No event is put there any more.
    package func close(_ inbox: Inbox) {
        state.withLock { $0.close(inbox) }
    }

    /// Runs what starts PID 1: the process that the calling thread forks meanwhile, and all that come of it, go to the inbox.
    package func recordStart<Result: ~Copyable>(for inbox: Inbox, _ body: () throws -> Result) rethrows -> Result {
        let thread = currentThreadID()
        state.withLock { $0.setStarter(thread, inbox) }
        defer {
            // Its fork must be known before the thread stops being a starter.
            catchUp()
            state.withLock { $0.setStarter(thread, nil) }
        }
        return try body()
    }

    /// Also sends the inbox the waits and signals of the PID 1 of a namespace that its container shares.
    package func open(_ inbox: Inbox, inNamespaceOf reaper: ProcessID) {
        state.withLock { $0.open(inbox, inNamespaceOf: reaper) }
    }

    /// Makes sure that everything that has happened until now is in the inboxes.
    ///
    /// - Returns: the moment, not before now, up to which they are complete; later events may be there as well.
    @discardableResult
    package func catchUp() -> MonotonicInstant {
        let now = MonotonicInstant.now
        return state.withLock { state in
            if state.drainedUntil < now { state.drain() }
            return state.drainedUntil
        }
    }
}
