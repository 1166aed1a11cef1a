//! What the kernel knows of processes.

use std::time::Duration;

use anyhow::Context as _;

/// How long the kernel's unit of CPU time is; the same on all Linux systems.
const TICK: Duration = Duration::from_millis(10);

/// User and system CPU time of a process so far.
pub(crate) fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = read(&format!("/proc/{pid}/stat"))?;
    // Counted from behind the program's name, which may contain spaces: the 12th and 13th field.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u32 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u32>().ok())
        .sum();
    Ok(TICK * ticks)
}

/// User and system CPU time of the threads that a process has, exact to the nanosecond: for single requests. What
/// threads used that ended is not in it.
pub(crate) fn cpu_time_now(pid: u32) -> anyhow::Result<Duration> {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        let Ok(stat) = std::fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let time = stat.split_whitespace().next().and_then(|time| time.parse().ok());
        nanoseconds += time.unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Memory of a process that is in use at the moment, in MiB.
pub(crate) fn memory_mib(pid: u32) -> anyhow::Result<f64> {
    status_mib(pid, "VmRSS:")
}

/// The most memory that a process had in use since [`forget_peak`], in MiB.
pub(crate) fn peak_mib(pid: u32) -> anyhow::Result<f64> {
    status_mib(pid, "VmHWM:")
}

/// Begins anew with the most memory that a process had in use.
pub(crate) fn forget_peak(pid: u32) -> anyhow::Result<()> {
    // The number is the kernel's for that.
    let path = format!("/proc/{pid}/clear_refs");
    std::fs::write(&path, "5").with_context(|| format!("can't write {path}"))
}

fn status_mib(pid: u32, field: &str) -> anyhow::Result<f64> {
    let status = read(&format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .with_context(|| format!("the kernel does not tell {field}"))?;
    Ok(kib.trim().parse::<f64>()? / 1024.0)
}

/// Processes that want to run, on the average of the last minute.
pub(crate) fn load_average() -> anyhow::Result<String> {
    let average = read("/proc/loadavg")?;
    Ok(average.split_whitespace().next().unwrap_or_default().to_owned())
}

/// CPU time of all processes together so far.
pub(crate) fn cpu_time_of_all() -> anyhow::Result<Duration> {
    let stat = read("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq: all but idle and iowait.
    let fields = line.split_whitespace().skip(1).take(7).enumerate();
    let busy = fields.filter(|(at, _)| !matches!(at, 3 | 4));
    let ticks: u32 = busy.filter_map(|(_, field)| field.parse::<u32>().ok()).sum();
    Ok(TICK * ticks)
}

fn read(path: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("can't read {path}"))
}
