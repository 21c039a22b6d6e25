//! The live view of `status --watch`: draws the report in place on a terminal.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Gauge, Paragraph, Wrap};
use ratatui::{DefaultTerminal, Frame};

use super::progress::Pause;
use super::status::{age, scaling_text};
use super::{Ui, clean};
use crate::model::Task;
use crate::ops::{ServicePhase, StatusReport, StoppedCause};

/// A key press or window event in a live view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserAction {
    /// `q` or Esc.
    Quit,
    /// Ctrl-C, which a terminal in raw mode does not turn into a signal.
    Interrupt,
    /// The window was resized, or a key without a function was pressed.
    Redraw,
}

/// A terminal in raw mode and on its alternate screen. Restored when dropped.
#[derive(Debug)]
pub(crate) struct LiveTerminal {
    terminal: DefaultTerminal,
    _pause: Pause,
}

impl LiveTerminal {
    /// Switches the terminal to raw mode and its alternate screen.
    pub(crate) fn start(ui: &Ui) -> io::Result<Self> {
        let pause = ui.progress.pause();
        Ok(Self { terminal: ratatui::try_init()?, _pause: pause })
    }

    /// Draws a report and a message below it, such as an error that is being retried.
    pub(crate) fn draw(&mut self, report: &StatusReport, message: Option<&str>, now: Timestamp) -> io::Result<()> {
        self.terminal.draw(|frame| draw(frame, report, message, now)).map(drop)
    }

    /// Waits up to `timeout` for an event; `None` if there is none.
    pub(crate) fn user_action(timeout: Duration) -> io::Result<Option<UserAction>> {
        if !event::poll(timeout)? {
            return Ok(None);
        }
        let Event::Key(key) = event::read()? else { return Ok(Some(UserAction::Redraw)) };
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        Ok(Some(match key.code {
            KeyCode::Char('c') if control => UserAction::Interrupt,
            KeyCode::Char('q') | KeyCode::Esc => UserAction::Quit,
            _ => UserAction::Redraw,
        }))
    }
}

impl Drop for LiveTerminal {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Draws the report: title, gauge, details, tasks, events and a footer.
pub fn draw(frame: &mut Frame<'_>, report: &StatusReport, message: Option<&str>, now: Timestamp) {
    let details = details(report);
    let heights = [
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(u16::try_from(details.len()).unwrap_or(u16::MAX)),
        Constraint::Length(u16::try_from(report.tasks.len() + 2).unwrap_or(u16::MAX)),
        Constraint::Min(3),
        Constraint::Length(1),
    ];
    let [title_area, gauge_area, details_area, tasks_area, events_area, footer_area] =
        Layout::vertical(heights).areas(frame.area());

    let text = clean(&report.summary.text, false).into_owned();
    let state = match report.summary.phase {
        ServicePhase::Steady => text.green(),
        ServicePhase::Failing => text.red(),
        _ => text.yellow(),
    };
    let title = vec![report.service.clone().bold(), format!(" in {} ", report.cluster).into(), state];
    frame.render_widget(Line::from(title), title_area);
    frame.render_widget(task_gauge(report), gauge_area);
    frame.render_widget(Paragraph::new(details), details_area);
    let visible = usize::from(tasks_area.height.saturating_sub(2));
    let title = match report.tasks.len().saturating_sub(visible) {
        0 => " tasks ".to_owned(),
        more => format!(" tasks, {more} more; enlarge the window to see all "),
    };
    frame.render_widget(Paragraph::new(task_lines(report, now)).block(Block::bordered().title(title)), tasks_area);
    let event_lines: Vec<Line<'_>> = report
        .events
        .iter()
        .map(|event| {
            let age = event.timestamp.map(|timestamp| age(timestamp, now)).unwrap_or_default();
            Line::from(vec![format!("{age:<9}").dim(), clean(&event.message, false).into_owned().into()])
        })
        .collect();
    frame.render_widget(
        Paragraph::new(event_lines).wrap(Wrap { trim: false }).block(Block::bordered().title(" events ")),
        events_area,
    );
    frame.render_widget(
        Line::from(message.map_or("q quit".dim(), |message| clean(message, false).into_owned().red())),
        footer_area,
    );
}

fn task_gauge(report: &StatusReport) -> Gauge<'static> {
    let ratio = if report.desired == 0 { 1.0 } else { f64::from(report.running) / f64::from(report.desired) };
    let color = match report.summary.phase {
        ServicePhase::Steady => Color::Green,
        ServicePhase::Failing => Color::Red,
        _ => Color::Yellow,
    };
    let label = format!("{} desired, {} running, {} pending", report.desired, report.running, report.pending);
    Gauge::default()
        .ratio(ratio.min(1.0))
        .label(Span::raw(label))
        .gauge_style(Style::new().fg(color).bg(Color::DarkGray))
}

fn details(report: &StatusReport) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for deployment in &report.deployments {
        let rollout = deployment.rollout_state.as_deref().unwrap_or("-");
        let rollout = match rollout {
            "COMPLETED" => rollout.to_owned().green(),
            "FAILED" => rollout.to_owned().red(),
            _ => rollout.to_owned().yellow(),
        };
        let counts =
            format!("  {} of {} running, {} failed", deployment.running, deployment.desired, deployment.failed);
        lines.push(
            vec![format!("{:<9}{} ", deployment.status, deployment.task_definition).into(), rollout, counts.into()]
                .into(),
        );
    }
    if let Some(scaling) = &report.scaling {
        lines.push(format!("scaling    {}", scaling_text(scaling)).into());
    }
    lines.extend(
        report.discovery.iter().map(|service| format!("discovery  {}  {}", service.name, service.addresses()).into()),
    );
    for StoppedCause { cause, count, lines: log, .. } in report.stopped.iter().filter(|cause| cause.recent > 0) {
        let cause = format!("stopped    {count} times: {}", clean(cause, false));
        lines.push(cause.red().into());
        lines.extend(log.iter().map(|line| format!("           {}", clean(line, false)).dim().into()));
    }
    lines.extend(report.notes.iter().map(|note| clean(note, false).into_owned().yellow().into()));
    lines.extend(report.url.iter().map(|url| vec!["url        ".into(), url.clone().underlined()].into()));
    lines
}

fn task_lines(report: &StatusReport, now: Timestamp) -> Vec<Line<'static>> {
    let line = |task: &Task| {
        let status = if task.last_status == "RUNNING" {
            task.last_status.clone().green()
        } else {
            task.last_status.clone().yellow()
        };
        let age = task.started.map(|started| age(started, now)).unwrap_or_default();
        let padding = " ".repeat(14_usize.saturating_sub(task.last_status.len()));
        let rest = format!("{padding}{:<11}{age:<9}{}", task.health, task.private_ip.as_deref().unwrap_or("-"));
        Line::from(vec![format!("{:<34}", task.id).into(), status, rest.into()])
    };
    report.tasks.iter().map(line).collect()
}
