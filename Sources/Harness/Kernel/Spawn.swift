import CLinux
import Vocabulary

/// The namespaces that a new process gets for itself.
package struct Namespaces: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The corresponding C constant is `CLONE_NEWNS`.
    package static let mount = Namespaces(rawValue: clinux_clone_newns)
    /// The corresponding C constant is `CLONE_NEWPID`.
    package static let pid = Namespaces(rawValue: clinux_clone_newpid)
    /// The corresponding C constant is `CLONE_NEWUTS`.
    package static let uts = Namespaces(rawValue: clinux_clone_newuts)
    /// The corresponding C constant is `CLONE_NEWIPC`.
    package static let ipc = Namespaces(rawValue: clinux_clone_newipc)
    /// The corresponding C constant is `CLONE_NEWNET`.
    package static let network = Namespaces(rawValue: clinux_clone_newnet)
    /// The corresponding C constant is `CLONE_NEWCGROUP`.
    package static let cgroup = Namespaces(rawValue: clinux_clone_newcgroup)
}

/// One step that a child takes between clone and exec, as a value.
package enum SetupStep: Sendable, Hashable {
    case mount(source: String?, target: String, type: String?, flags: UInt64, data: String?)
    case unmount(String, flags: UInt64)
    case makeDirectory(String, mode: UInt32)
    case makeFile(String, mode: UInt32)
    case makeLink(String, to: String)
    case unlink(String)
    case changeDirectory(String)
    case pivotRoot(String)
    case newSession
    case fileMask(UInt32)
    case unshare(Namespaces)
    case setHostname(String)
    case bringLoopbackUp
    /// Writes to a descriptor that the parent has open; `path` is for messages.
    case write(String, descriptor: Int32, path: String)
    /// Opens a file for reading and writing as this descriptor.
    case open(String, as: Int32)
    /// Opens /dev/null as this descriptor, and nothing else that may have taken its place.
    case openNull(as: Int32)
    /// Writes to a file that is there, such as a setting in /proc/sys.
    case writePath(String, path: String)
    /// RLIMIT_* (setrlimit(2)). `ifAllowed`: where it may not be raised so far, as far as it may.
    case limit(resource: Int32, soft: UInt64, hard: UInt64, ifAllowed: Bool = false, name: String)
    case keepCapabilities(UInt64)
    /// No exec gives a privilege from here on: neither a setuid file nor one with capabilities (PR_SET_NO_NEW_PRIVS, prctl(2)).
    case noNewPrivileges
    /// Docker's default filter, for a process that keeps these capabilities, a bit set.
    case filterCalls(UInt64)
    case setIDs(user: UInt32, group: UInt32)
    case parentDeathSignal(Signal, parentPIDFD: Int32)
    case descriptor(Int32, becomes: Int32)
    /// Makes a file, or replaces what is in it.
    case writeFile(String, text: String, mode: UInt16, user: UInt32, group: UInt32)
    /// Sends its root and its mount namespace over a socket (`RootView`).
    case sendRoot(Int32)
    /// Sends a pidfd of itself over a socket (`Guard`).
    case sendSelf(Int32)
    /// The terminal becomes that of the session, which has none.
    case controllingTerminal(Int32)
    /// A network namespace, by its descriptor.
    case joinNetwork(Int32)
    /// Namespaces of the process that a pidfd is for.
    case joinNamespaces(of: Int32, Namespaces)
    case ignoreSignals([Signal])
    /// The nice value (nice(2)).
    case priority(Int32)
    case blockSignals([Signal])
    /// A step whose target this kernel may not have: ENOENT is then no failure.
    indirect case ifPresent(SetupStep)
}

/// Why a spawn failed: which stage, on what path, with which errno.
package struct SpawnError: Error, Sendable, CustomStringConvertible {
    package enum Stage: Sendable {
        case clone
        case step(Int, SetupStep)
        case execute(String)
    }

    package let stage: Stage
    package let errno: Errno

    package init(stage: Stage, errno: Errno) {
        self.stage = stage
        self.errno = errno
    }

    package var description: String {
        switch stage {
        case .clone: "clone3: \(errno)"
        case .step(_, let step): "\(step): \(errno)"
        case .execute(let program): "exec \(program): \(errno)"
        }
    }
}

extension SetupStep: CustomStringConvertible {
    /// `N`, or `SOFT:HARD`.
    private static func words(_ soft: UInt64, _ hard: UInt64) -> String {
        func word(_ value: UInt64) -> String { value == .max ? "unlimited" : "\(value)" }
        return soft == hard ? word(soft) : "\(word(soft)):\(word(hard))"
    }

    /// A verb with its object: what a failure is reported as.
    package var description: String {
        switch self {
        case .mount(let source, let target, let type, _, _):
            "mount \(type ?? source.map { "\($0)" } ?? "flags") on \(target)"
        case .unmount(let target, _): "unmount \(target)"
        case .makeDirectory(let path, _): "make directory \(path)"
        case .makeFile(let path, _): "make file \(path)"
        case .makeLink(let text, let path): "link \(path) to \(text)"
        case .unlink(let path): "remove \(path)"
        case .changeDirectory(let path): "change directory to \(path)"
        case .pivotRoot(let path): "pivot root to \(path)"
        case .newSession: "start a session"
        case .fileMask(let mask): "set the file mask to \(String(mask, radix: 8))"
        case .unshare: "unshare namespaces"
        case .setHostname(let name): "set hostname \(name)"
        case .bringLoopbackUp: "bring the loopback interface up"
        case .write(let text, _, let path): "write \(text) to \(path)"
        case .open(let path, _): "open \(path)"
        case .openNull: "open /dev/null"
        case .writePath(let text, let path): "write \(text) to \(path)"
        case .limit(_, let soft, let hard, _, let name):
            "set the limit \(name) to \(SetupStep.words(soft, hard)) (what goes beyond the harness's own takes CAP_SYS_RESOURCE)"
        case .keepCapabilities(let set): "reduce capabilities to \(String(set, radix: 16))"
        case .noNewPrivileges: "give up new privileges"
        case .filterCalls: "install the filter of system calls"
        case .setIDs(let user, let group): "become user \(user), group \(group)"
        case .parentDeathSignal: "arm the parent-death signal"
        case .descriptor(let from, let to): "make descriptor \(from) descriptor \(to)"
        case .writeFile(let path, _, _, _, _): "write \(path)"
        case .sendRoot: "send the root to the harness"
        case .sendSelf: "tell the guard"
        case .controllingTerminal(let terminal): "take descriptor \(terminal) as the controlling terminal"
        case .joinNetwork: "join a network namespace"
        case .joinNamespaces: "join namespaces"
        case .ignoreSignals: "ignore signals"
        case .priority: "set the priority"
        case .blockSignals: "block signals"
        case .ifPresent(let step): step.description
        }
    }
}

/// How a container runtime looks for a program: what it does not find, or may not execute, is not started; what it finds is, also
/// where the kernel then refuses it (a missing interpreter, another format), and exits.
package struct RuntimeLookUp: Sendable {
    /// What the process exits with that was started and could not be executed.
    package let statusOfExecFailure: Int32
    /// Whether the container's user may execute it is looked at, not only whether some user may.
    package let checksAccess: Bool

    package init(statusOfExecFailure: Int32, checksAccess: Bool) {
        self.statusOfExecFailure = statusOfExecFailure
        self.checksAccess = checksAccess
    }
}

/// Starts a process in new namespaces: the steps in order, then exec.
///
/// The child is reaped when it fails. Blocks the calling thread until exec, and ties the child to it: when the thread
/// ends, a child with a parent-death signal is killed.
///
/// - Parameter pidNamespaceOf: a pidfd: the child is born into the PID namespace of this process; nil: into a new one, or the
///   caller's.
/// - Parameter cgroup: an open directory of a cgroup of version 2, which the child is born into; nil: the calling thread's.
/// - Parameter patience: how much time such a child has for its exec, and what interrupts the waiting for it.
/// - Throws: `SpawnError`: the stage that failed, with its path and errno.
/// - Parameter lookUp: how the program is looked for and its failure told; nil: as execvp(3), and every failure is thrown.
package func spawn(
    arguments: [String], environment: [String], searchPath: String, namespaces: Namespaces,
    pidNamespaceOf process: Int32? = nil, cgroup: Int32? = nil,
    patience: (limit: Duration, interruption: Int32) = (.seconds(10), -1),
    lookUp: RuntimeLookUp? = nil, steps: [SetupStep]
) throws(SpawnError) -> PIDDescriptor {
    precondition(!arguments.isEmpty, "a command line without a program")
    let strings = CStringArena()
    let table = steps.map { strings.step($0) }
    let result = table.withUnsafeBufferPointer { table in
        var request = clinux_spawn_request(
            clone_flags: namespaces.rawValue, pid_namespace_of: process ?? -1, cgroup: cgroup ?? -1,
            patience: UInt32(clamping: patience.limit.inNanoseconds / 1_000_000), interruption: patience.interruption,
            steps: table.baseAddress,
            step_count: table.count,
            arguments: strings.array(arguments), environment: strings.array(environment),
            search_path: strings.string(searchPath), status_of_exec_failure: lookUp?.statusOfExecFailure ?? -1,
            checks_access: lookUp?.checksAccess ?? false)
        return clinux_spawn(&request)
    }
    guard result.failed_errno == 0 else {
        let stage: SpawnError.Stage =
            switch Int(result.failed_step) {
            case ..<0: .clone
            case let index where index < steps.count: .step(index, steps[index])
            default: .execute(arguments[0])
            }
        throw SpawnError(stage: stage, errno: Errno(rawValue: result.failed_errno))
    }
    return PIDDescriptor(owning: result.pidfd, pid: ProcessID(rawValue: result.pid))
}

/// Owns the C strings of one call.
final class CStringArena {
    private var blocks: [UnsafeMutableRawPointer] = []

    deinit {
        for block in blocks { block.deallocate() }
    }

    func string(_ text: String) -> UnsafePointer<CChar> {
        var text = text
        return text.withUTF8 { bytes in
            let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + 1, alignment: 1)
            if let source = bytes.baseAddress { copy.copyMemory(from: source, byteCount: bytes.count) }
            copy.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
            blocks.append(copy)
            return UnsafePointer(copy.assumingMemoryBound(to: CChar.self))
        }
    }

    /// A NULL-terminated array of strings.
    func array(_ texts: [String]) -> UnsafePointer<UnsafePointer<CChar>> {
        typealias Element = UnsafePointer<CChar>?
        let size = MemoryLayout<Element>.stride * (texts.count + 1)
        let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: MemoryLayout<Element>.alignment)
        blocks.append(block)
        let elements = block.bindMemory(to: Element.self, capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { elements[index] = string(text) }
        elements[texts.count] = nil
        return UnsafeRawPointer(block).assumingMemoryBound(to: UnsafePointer<CChar>.self)
    }

    private static func set(_ signals: [Signal]) -> UInt64 {
        signals.reduce(0) { $0 | 1 << UInt64($1.rawValue - 1) }
    }

    func step(_ step: SetupStep) -> clinux_step {
        var result = clinux_step()
        result.descriptor = -1
        switch step {
        case .mount(let source, let target, let type, let flags, let data):
            result.kind = clinux_step_mount
            result.source = source.map(string)
            result.target = string(target)
            result.type = type.map(string)
            result.number = flags
            result.data = data.map(string)
        case .unmount(let target, let flags):
            result.kind = clinux_step_unmount
            result.target = string(target)
            result.number = flags
        case .makeDirectory(let path, let mode):
            result.kind = clinux_step_make_directory
            result.target = string(path)
            result.number = UInt64(mode)
        case .makeFile(let path, let mode):
            result.kind = clinux_step_make_file
            result.target = string(path)
            result.number = UInt64(mode)
        case .makeLink(let text, let path):
            result.kind = clinux_step_make_link
            result.source = string(text)
            result.target = string(path)
        case .unlink(let path):
            result.kind = clinux_step_unlink
            result.target = string(path)
        case .changeDirectory(let path):
            result.kind = clinux_step_change_directory
            result.target = string(path)
        case .pivotRoot(let path):
            result.kind = clinux_step_pivot_root
            result.target = string(path)
        case .newSession:
            result.kind = clinux_step_new_session
        case .fileMask(let mask):
            result.kind = clinux_step_file_mask
            result.number = UInt64(mask)
        case .unshare(let namespaces):
            result.kind = clinux_step_unshare
            result.number = namespaces.rawValue
        case .setHostname(let name):
            result.kind = clinux_step_set_hostname
            result.source = string(name)
        case .bringLoopbackUp:
            result.kind = clinux_step_loopback_up
        case .write(let text, let descriptor, _):
            result.kind = clinux_step_write
            result.descriptor = descriptor
            result.data = string(text)
        case .openNull(let number):
            result.kind = clinux_step_open_null
            result.number = UInt64(number)
        case .open(let path, let number):
            result.kind = clinux_step_open
            result.target = string(path)
            result.number = UInt64(number)
        case .writePath(let text, let path):
            result.kind = clinux_step_write_path
            result.target = string(path)
            result.data = string(text)
        case .limit(let resource, let soft, let hard, let ifAllowed, _):
            result.kind = ifAllowed ? clinux_step_limit_if_allowed : clinux_step_limit
            result.descriptor = resource
            result.number = soft
            result.other = hard
        case .keepCapabilities(let set):
            result.kind = clinux_step_keep_capabilities
            result.number = set
        case .noNewPrivileges:
            result.kind = clinux_step_no_new_privileges
        case .filterCalls(let capabilities):
            result.kind = clinux_step_filter_calls
            result.number = capabilities
        case .setIDs(let user, let group):
            result.kind = clinux_step_set_ids
            result.number = UInt64(user)
            result.other = UInt64(group)
        case .parentDeathSignal(let signal, let parent):
            result.kind = clinux_step_parent_death_signal
            result.number = UInt64(signal.rawValue)
            result.descriptor = parent
        case .descriptor(let from, let to):
            result.kind = clinux_step_descriptor
            result.descriptor = from
            result.number = UInt64(to)
        case .writeFile(let path, let text, let mode, let user, let group):
            result.kind = clinux_step_write_file
            result.target = string(path)
            result.data = string(text)
            result.number = UInt64(mode)
            result.other = UInt64(user) << 32 | UInt64(group)
        case .sendRoot(let socket):
            result.kind = clinux_step_send_root
            result.descriptor = socket
        case .sendSelf(let socket):
            result.kind = clinux_step_send_self
            result.descriptor = socket
        case .controllingTerminal(let terminal):
            result.kind = clinux_step_controlling_terminal
            result.descriptor = terminal
        case .joinNetwork(let namespace):
            result.kind = clinux_step_join_network
            result.descriptor = namespace
        case .joinNamespaces(let process, let namespaces):
            result.kind = clinux_step_join_namespaces
            result.descriptor = process
            result.number = namespaces.rawValue
        case .priority(let value):
            result.kind = clinux_step_priority
            result.number = UInt64(bitPattern: Int64(value))
        case .ignoreSignals(let signals):
            result.kind = clinux_step_ignore_signals
            result.number = CStringArena.set(signals)
        case .blockSignals(let signals):
            result.kind = clinux_step_block_signals
            result.number = CStringArena.set(signals)
        case .ifPresent(let inner):
            result = self.step(inner)
            result.may_be_missing = true
        }
        return result
    }
}
