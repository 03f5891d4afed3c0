using System;
using System.Collections.Generic;
using UnityEngine;

namespace UnityEngine
{
    public class GUILayout
    {
        public static void Label(string text, params GUILayoutOption[] options)
        {
        }

        public static string TextField(string text, params GUILayoutOption[] options)
        {
            return text;
        }

        public static bool Button(string text, params GUILayoutOption[] options)
        {
            Engine.Log.Add("button: " + text);
            return text == Engine.Pressed;
        }
    }

    public sealed class GUILayoutOption
    {
        internal GUILayoutOption()
        {
        }
    }
}

namespace UnityEditor
{
    public enum MessageType
    {
        None,
        Info,
        Warning,
        Error,
    }

    public enum SettingsScope
    {
        User,
        Project,
    }

    public enum BuildTarget
    {
        iOS = 9,
        Android = 13,
        StandaloneWindows64 = 19,
    }

    public class CustomEditor : Attribute
    {
        public CustomEditor(Type inspectedType)
        {
        }
    }

    public sealed class CanEditMultipleObjects : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    public sealed class MenuItem : Attribute
    {
        public MenuItem(string itemName)
        {
        }

        public MenuItem(string itemName, bool isValidateFunction, int priority)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class SettingsProviderAttribute : Attribute
    {
    }

    [AttributeUsage(AttributeTargets.Class)]
    public class FilePathAttribute : Attribute
    {
        public FilePathAttribute(string relativePath, Location location)
        {
        }

        public enum Location
        {
            PreferencesFolder,
            ProjectFolder,
        }
    }

    public class ScriptableSingleton<T> : ScriptableObject where T : ScriptableObject
    {
        private static T _instance;

        public static T instance
        {
            get { return _instance ? _instance : _instance = CreateInstance<T>(); }
        }

        protected virtual void Save(bool saveAsText)
        {
        }
    }

    public class Editor : ScriptableObject
    {
        public UnityEngine.Object target
        {
            get { return targets[0]; }
            set { targets = new[] { value }; }
        }

        public UnityEngine.Object[] targets { get; internal set; }

        public virtual void OnInspectorGUI()
        {
        }

        public virtual bool RequiresConstantRepaint()
        {
            return false;
        }

        public bool DrawDefaultInspector()
        {
            return Engine.Edited;
        }
    }

    public class EditorWindow : ScriptableObject
    {
        public static T GetWindow<T>(string title) where T : EditorWindow
        {
            return CreateInstance<T>();
        }

        public void Repaint()
        {
        }
    }

    public class SettingsProvider
    {
        public SettingsProvider(string path, SettingsScope scopes, IEnumerable<string> keywords = null)
        {
        }

        public string label { get; set; }

        public IEnumerable<string> keywords { get; set; }

        public Action<string> guiHandler { get; set; }
    }

    public sealed class EditorGUILayout
    {
        public static void HelpBox(string message, MessageType type)
        {
            Engine.Log.Add("box: " + message);
        }

        public static void LabelField(string label, params GUILayoutOption[] options)
        {
        }

        public static void LabelField(string label, string label2, params GUILayoutOption[] options)
        {
            Engine.Log.Add("label: " + label + ": " + label2);
        }

        public static string TextField(string label, string text, params GUILayoutOption[] options)
        {
            return text;
        }

        public static void Space()
        {
        }

        public static Vector2 BeginScrollView(Vector2 scrollPosition, params GUILayoutOption[] options)
        {
            return scrollPosition;
        }

        public static void EndScrollView()
        {
        }
    }

    public sealed class EditorApplication
    {
        public static bool isPlaying { get; set; }

        public static double timeSinceStartup
        {
            get { return Engine.Now; }
        }
    }

    public class EditorUserBuildSettings : UnityEngine.Object
    {
        public static BuildTarget activeBuildTarget { get; internal set; } = BuildTarget.StandaloneWindows64;
    }

    public sealed class PlayerSettings : UnityEngine.Object
    {
        public sealed class Android
        {
            public static bool forceInternetPermission { get; set; }
        }

        public sealed class iOS
        {
            public static string microphoneUsageDescription { get; set; }
        }
    }

    public sealed class Selection
    {
        public static GameObject activeGameObject { get; set; }

        public static GameObject[] gameObjects { get; internal set; } = new GameObject[0];
    }

    public class Undo
    {
        public static T AddComponent<T>(GameObject gameObject) where T : Component
        {
            return gameObject.AddComponent<T>();
        }

        public delegate void UndoRedoCallback();

        public static UndoRedoCallback undoRedoPerformed;

        public static void RegisterCreatedObjectUndo(UnityEngine.Object objectToUndo, string name)
        {
            Engine.Log.Add("undo: " + name);
        }
    }
}

namespace UnityEditor
{
    public sealed class AssetDatabase
    {
        public static bool IsValidFolder(string path)
        {
            return Engine.Log.Contains("folder " + path);
        }

        public static string CreateFolder(string parentFolder, string newFolderName)
        {
            Engine.Log.Add("folder " + parentFolder + "/" + newFolderName);
            return "";
        }

        public static void CreateAsset(UnityEngine.Object asset, string path)
        {
            Engine.Log.Add("asset " + path);
        }
    }
}

namespace UnityEngine.SceneManagement
{
    public struct Scene
    {
    }
}

namespace UnityEditor.SceneManagement
{
    public enum NewSceneSetup
    {
        EmptyScene,
        DefaultGameObjects,
    }

    public enum NewSceneMode
    {
        Single,
        Additive,
    }

    public sealed class EditorSceneManager
    {
        public static UnityEngine.SceneManagement.Scene NewScene(NewSceneSetup setup, NewSceneMode mode)
        {
            return default(UnityEngine.SceneManagement.Scene);
        }

        public static bool SaveCurrentModifiedScenesIfUserWantsTo()
        {
            return !Engine.UserCancels;
        }

        public static bool SaveScene(UnityEngine.SceneManagement.Scene scene, string dstScenePath)
        {
            Engine.Log.Add("scene " + dstScenePath);
            return true;
        }
    }
}

namespace UnityEditor.Build
{
    public interface IOrderedCallback
    {
        int callbackOrder { get; }
    }

    public interface IUnityLinkerProcessor : IOrderedCallback
    {
        string GenerateAdditionalLinkXmlFile(
            UnityEditor.Build.Reporting.BuildReport report, UnityEditor.UnityLinker.UnityLinkerBuildPipelineData data);
    }
}

namespace UnityEditor.Build.Reporting
{
    public sealed class BuildReport : UnityEngine.Object
    {
        internal BuildReport()
        {
        }
    }
}

namespace UnityEditor.UnityLinker
{
    public sealed class UnityLinkerBuildPipelineData
    {
    }
}
