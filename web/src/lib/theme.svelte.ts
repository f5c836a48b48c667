export type Theme = 'system' | 'light' | 'dark';

const place = 'nines.theme';

function kept(): Theme {
  try {
    const theme = localStorage.getItem(place);
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  } catch {
    return 'system';
  }
}

class ThemeState {
  choice = $state<Theme>(kept());

  choose(theme: Theme) {
    this.choice = theme;
    this.apply();
    try {
      if (theme === 'system') {
        localStorage.removeItem(place);
      } else {
        localStorage.setItem(place, theme);
      }
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  }

  apply() {
    if (this.choice === 'system') {
      delete document.documentElement.dataset['theme'];
    } else {
      document.documentElement.dataset['theme'] = this.choice;
    }
  }
}

export const theme = new ThemeState();
