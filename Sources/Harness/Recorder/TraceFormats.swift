import Journal
import Kernel
import Vocabulary

/// One trace event, decoded, with the numbers of threads as the kernel gives them.
enum TraceFact {
    case created(thread: Int32, by: Int32, flags: UInt64)
    case executed(thread: Int32, path: String)
    case exited(thread: Int32)
    case freed(thread: Int32)
    case waited(by: Int32, for: Int32)
    case signalled(number: Int32, code: Int32, to: Int32, by: Int32, fate: Int32)
    case delivered(number: Int32, to: Int32, handler: UInt64)
    /// A wait begins (`options`: W*), and returns what it returns.
    case waitBegan(by: Int32, isWaitid: Bool, options: Int32)
    case waitEnded(by: Int32, isWaitid: Bool, result: Int64)
    case marked(by: Int32)
}

/// The events that are recorded, and how to read them.
struct TraceFormats: Sendable {
    /// What `set_event` is given.
    static let events = [
        "task/task_newtask", "sched/sched_process_exec", "sched/sched_process_exit", "sched/sched_process_free",
        "sched/sched_process_wait", "signal/signal_generate", "signal/signal_deliver",
    ]

    /// What tells what a wait took: its options, and what it returned (CONFIG_FTRACE_SYSCALLS).
    private static let waitEvents = [
        (name: "syscalls/sys_enter_wait4", isWaitid: false, isEnd: false),
        (name: "syscalls/sys_exit_wait4", isWaitid: false, isEnd: true),
        (name: "syscalls/sys_enter_waitid", isWaitid: true, isEnd: false),
        (name: "syscalls/sys_exit_waitid", isWaitid: true, isEnd: true),
    ]
    /// What is recorded where the kernel has it.
    static let optionalEvents = waitEvents.map(\.name)

    /// Whether the kernel tells what waits took.
    var tellsWhatWaitsTook: Bool { waits.count == TraceFormats.waitEvents.count }

    /// The size in which the kernel hands out a buffer, in bytes.
    let pageSize: Int
    private let waits: [(id: UInt16, field: TraceFormat.Field, thread: TraceFormat.Field, isWaitid: Bool, isEnd: Bool)]
    private let created, executed, exited, freed, waited, signalled, delivered, marked: TraceFormat

    /// - Throws: `TraceError` where this kernel lacks an event or a field.
    init(in instance: borrowing Descriptor) throws(TraceError) {
        // field: char data;  offset:16;  size:4080;  signed:1;
        let header = Files.text(of: "events/header_page", in: instance.rawValue) ?? ""
        let numbers =
            header.split(separator: "\n").last?.split { !("0"..."9").contains($0) }.compactMap { Int($0) } ?? []
        guard header.contains("char data"), numbers.count >= 2, numbers[0] == 16 else {
            throw TraceError(reason: "the layout of this kernel's trace buffers is not known")
        }
        pageSize = numbers[0] + numbers[1]
        created = try TraceFormat("task/task_newtask", needing: ["common_pid", "pid", "clone_flags"], in: instance)
        executed = try TraceFormat("sched/sched_process_exec", needing: ["pid", "filename"], in: instance)
        exited = try TraceFormat("sched/sched_process_exit", needing: ["pid"], in: instance)
        freed = try TraceFormat("sched/sched_process_free", needing: ["pid"], in: instance)
        waited = try TraceFormat("sched/sched_process_wait", needing: ["common_pid", "pid"], in: instance)
        signalled = try TraceFormat(
            "signal/signal_generate", needing: ["common_pid", "sig", "code", "pid", "result"], in: instance)
        delivered = try TraceFormat(
            "signal/signal_deliver", needing: ["common_pid", "sig", "sa_handler"], in: instance)
        marked = try TraceFormat("ftrace/print", needing: ["common_pid"], in: instance)
        // Not every kernel has them: then it is not known what waits took.
        waits = TraceFormats.waitEvents.compactMap { event in
            let field = event.isEnd ? "ret" : "options"
            guard let format = try? TraceFormat(event.name, needing: ["common_pid", field], in: instance) else {
                return nil
            }
            return (format.id, format[field], format["common_pid"], event.isWaitid, event.isEnd)
        }
    }

    /// Nil for an event of another kind.
    func decode(_ bytes: UnsafeRawBufferPointer) -> TraceFact? {
        guard bytes.count >= 8 else { return nil }
        let record = TraceRecord(bytes: bytes)
        switch bytes.loadUnaligned(as: UInt16.self) {
        case created.id:
            return .created(
                thread: record.int32(created["pid"]), by: record.int32(created["common_pid"]),
                flags: record.uint64(created["clone_flags"]))
        case executed.id:
            return .executed(
                thread: record.int32(executed["pid"]), path: record.dynamicString(executed["filename"]))
        case exited.id: return .exited(thread: record.int32(exited["pid"]))
        case freed.id: return .freed(thread: record.int32(freed["pid"]))
        case waited.id: return .waited(by: record.int32(waited["common_pid"]), for: record.int32(waited["pid"]))
        case signalled.id:
            return .signalled(
                number: record.int32(signalled["sig"]), code: record.int32(signalled["code"]),
                to: record.int32(signalled["pid"]), by: record.int32(signalled["common_pid"]),
                fate: record.int32(signalled["result"]))
        case delivered.id:
            return .delivered(
                number: record.int32(delivered["sig"]), to: record.int32(delivered["common_pid"]),
                handler: record.uint64(delivered["sa_handler"]))
        case marked.id: return .marked(by: record.int32(marked["common_pid"]))
        case let id:
            guard let wait = waits.first(where: { $0.id == id }) else { return nil }
            let thread = record.int32(wait.thread)
            return wait.isEnd
                ? .waitEnded(by: thread, isWaitid: wait.isWaitid, result: Int64(bitPattern: record.uint64(wait.field)))
                : .waitBegan(by: thread, isWaitid: wait.isWaitid, options: record.int32(wait.field))
        }
    }
}
